"""Tensors as the model reads them: nothing is done to them."""

from pipeline.base.options import Options
from pipeline.inputs.contract import Input


class TensorsOptions(Options):
    """Nothing: samples are given, and pages give, what the model reads."""


INPUT = Input("tensors", TensorsOptions)
