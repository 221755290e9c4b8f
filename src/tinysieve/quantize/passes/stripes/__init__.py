"""Stripes: a stretch of a network computed a few rows at a time."""
