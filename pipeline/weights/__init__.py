"""How float32 tensors are stored in fewer bits."""
