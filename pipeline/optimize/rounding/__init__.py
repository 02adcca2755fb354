"""The parts of learned rounding (``pipeline.optimize.round``)."""
