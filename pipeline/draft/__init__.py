"""Writes a first config for a model: what it tells is in it, and what it does not is marked."""
