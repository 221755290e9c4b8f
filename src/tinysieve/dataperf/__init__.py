"""The two DataPerf vision benchmarks."""
