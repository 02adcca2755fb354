"""Finds the node that makes an artifact wrong.

Every tensor of the artifact that has a counterpart in the source graph (``graphs/origins.py``)
is compared with it twice: as the artifact computes it, and as its node computes it from the
source's own tensors. The second number is the error that the node itself adds.

``source`` records the source's tensors, ``find`` runs the artifact on its target and compares,
``reproduce`` writes a folder that shows the fault without this pipeline.
"""
