"""The configuration: typed sections, read once from YAML."""
