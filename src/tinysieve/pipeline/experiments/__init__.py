"""Noise planted on purpose: what filters find, and what that is worth."""
