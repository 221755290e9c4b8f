"""The first minute with own data: what lies there, how it may be read, a configuration for it, and what would be lost."""
