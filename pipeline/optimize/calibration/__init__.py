"""Calibration methods, one file each, found by their ``METHOD``."""
