"""ONNX graphs as graphs of TensorFlow's operators, channels last."""
