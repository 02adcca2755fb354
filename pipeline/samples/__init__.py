"""Data to calibrate, compare and evaluate with: one file per kind.

A kind's module defines ``Options`` (what the config may say under its name), ``ReadOptions``
(``options``: those, ``image``: what the config says of images, or None) and the step
``read(inputs, options, work)``. Its inputs are ``frozen`` (a FROZEN folder, for the
signature) and the local paths of its options by field name; it writes a SAMPLES folder
(``folder.py``) with two splits: ``calibration``, which techniques may learn from, and
``test``, which accuracy and parity are measured on.

Where samples are images, ``pictures(inputs, options, most)`` gives at most so many of the test
split as they are (``pictures.Pictures``), or None without labels.
"""
