"""Executors: who works on chunks, and where."""
