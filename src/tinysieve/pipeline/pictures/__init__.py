"""Pictures of data parameters."""
