"""A model seen alive in a browser before it is flashed."""
