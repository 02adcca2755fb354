"""What techniques that train share: samples to learn from, losses, the loop, grids trained on."""
