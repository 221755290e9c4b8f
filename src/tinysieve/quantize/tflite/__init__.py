"""The .tflite file: checked, read as a graph, edited as a tree, written back."""
