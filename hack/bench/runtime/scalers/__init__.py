"""What a thousand InferenceAutoscalers cost, on a real API server and a real Prometheus."""
