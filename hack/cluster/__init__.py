"""A real Kubernetes, Istio, Envoy and Prometheus from nothing, as ordinary processes."""
