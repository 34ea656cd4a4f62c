"""The model of the HPA held against the controller itself, look by look on the same input."""
