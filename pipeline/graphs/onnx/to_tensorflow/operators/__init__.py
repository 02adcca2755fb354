"""ONNX operators in TensorFlow's: one family a file, found by discovery."""
