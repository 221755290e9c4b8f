"""Passes that keep every output byte and need less memory or a smaller file."""
