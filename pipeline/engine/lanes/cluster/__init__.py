"""Steps on a cluster of Dask workers; nothing here is imported by builds on this machine."""
