"""Tensors as the model reads them: nothing is done to them."""

from pipeline.base.options import StrictOptions
from pipeline.inputs.contract import Input


class TensorsOptions(StrictOptions):
    """Nothing: samples are given, and pages give, what the model reads."""


INPUT = Input("tensors", TensorsOptions)
