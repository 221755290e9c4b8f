"""TFLM: what its interpreter answers, how much arena it needs, how it plans memory."""
