"""TFLite files as frozen graphs of TensorFlow."""
