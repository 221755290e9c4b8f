"""Configurations that are installed with the package."""
