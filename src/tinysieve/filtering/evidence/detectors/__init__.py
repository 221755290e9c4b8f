"""Detectors: each adapter runs one runtime, all give the same boxes."""
