"""Runs for the trackers that people already use: gathered once, written by one file a tracker."""
