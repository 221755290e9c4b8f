"""Backbones: from pixels to features, one adapter a file format."""
