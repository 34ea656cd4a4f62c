"""The Helm charts of this checkout, rendered by Helm itself."""
