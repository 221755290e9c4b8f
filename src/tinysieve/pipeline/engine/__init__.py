"""The engine: stages with keys, progress on screen, words for numbers."""
