"""A run in the FiftyOne App: what the filters think beside each photo, and a person's changes read back."""
