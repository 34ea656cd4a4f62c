"""Holds the rights that the operator is granted against what it asked for in a test run."""
