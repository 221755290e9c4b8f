"""Distributions whose version can change what a stage makes: an upgrade makes it run again, and it says why."""

from __future__ import annotations

# Decoders and resizers: the pixels themselves.
DECODING = ("numpy", "pillow", "opencv-python-headless|opencv-python")
# Solvers of the filters.
LEARNING = ("numpy", "scikit-learn", "scipy")
# With keras: weights, and what conversion makes of them.
TRAINING = ("numpy", "tensorflow-cpu|tensorflow", "keras")
VERIFYING = (*TRAINING, "ai-edge-litert", "tflite-micro")
PICTURES = ("numpy", "pillow", "matplotlib", "jinja2")
# What the engines of detectors and backbones that a person names are made of.
DETECTORS = ("ultralytics-opencv-headless|ultralytics", "torch", "openvino")
BACKBONES = {"tflite": ("ai-edge-litert",), "onnx": ("onnxruntime",), "torch": ("torch",),
             "keras": ("keras", "tensorflow-cpu|tensorflow")}
