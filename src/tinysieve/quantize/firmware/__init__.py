"""A model as C or as a TFLM project, run on an emulated board."""
