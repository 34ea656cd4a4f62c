"""Bad objects of every kind, each with what the API server says of it."""

from tests.cluster.refused import inferenceautoscaler, modelcanary

BY_KIND = {"ModelCanary": modelcanary, "InferenceAutoscaler": inferenceautoscaler}
