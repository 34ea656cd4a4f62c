"""What every kind stands on: gateway, informer, queue, lease, loop, events, telemetry, health."""
