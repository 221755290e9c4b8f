"""tinysieve: sieve the data, shrink the model, ship the .tflite."""
