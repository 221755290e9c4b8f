"""Opinions about labels, and decisions made of them."""
