"""Changes to Keras models: folding, removing channels, smaller ones of the same kind."""
