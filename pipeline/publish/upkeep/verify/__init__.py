"""Re-hashes what is published: pointers, manifests, every file and its compressed twins."""
