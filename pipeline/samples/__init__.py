"""Data to calibrate, compare and evaluate with: one file per kind.

A kind's module declares ``SAMPLES`` (``contract.py``), which gives raw items. The step ``read.py``
makes of them what the model reads, by the config's kind of input, and what is right for them, by
its task; it writes a SAMPLES folder (``folder.py``) with two splits: ``calibration``, which
techniques may learn from, and ``test``, which accuracy and parity are measured on.
"""
