"""The main job and its surfaces: configuration, stages, commands, report, review."""
