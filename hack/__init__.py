"""What developers run: a real cluster, the demo, the benchmarks and the generators."""
