"""Filters: one file each, from evidence to an opinion about every label."""
