"""The demo of the autoscaler: a peak that recurs, met ahead of time, and the same under the HPA."""
