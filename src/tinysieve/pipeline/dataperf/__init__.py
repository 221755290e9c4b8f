"""Our filters as entries of the DataPerf benchmarks."""
