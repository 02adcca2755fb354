"""Gets machine-learning models into browsers: optimized, proved, published."""
