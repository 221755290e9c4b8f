"""Data parameters of a run: temperatures, triage and their pictures."""
