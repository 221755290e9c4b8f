"""Data parameters: a learnt temperature a sample, its trajectory, and the triage by it."""
