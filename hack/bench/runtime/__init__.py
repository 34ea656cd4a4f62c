"""What the operator costs with ten thousand canaries, on a real API server."""
