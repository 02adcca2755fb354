"""TFLite's operators in TensorFlow's, a family a file."""
