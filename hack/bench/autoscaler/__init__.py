"""Autoscalers beside each other on recorded traffic, second by second."""
