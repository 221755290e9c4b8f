"""Boxes that a user already has: one reader for each way in which they are written, one way into the evidence."""
