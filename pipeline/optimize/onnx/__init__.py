"""Integers and half precision in ONNX graphs."""
