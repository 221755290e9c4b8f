"""Verbs on one .tflite file: read, fit, describe, inspect, bundle."""
