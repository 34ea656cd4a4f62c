"""Benchmarks: what is claimed about speed and about verdicts, measured."""
