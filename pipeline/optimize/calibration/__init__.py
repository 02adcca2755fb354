"""How an activation's range follows from its values on the calibration samples: one file each.

A method is a module with ``threshold(histogram, levels, percentile) -> float``: the magnitude
beyond which values are clipped. ``HISTOGRAM = False`` says that it needs no more of the histogram
than its range, which saves running the samples a second time.
"""
