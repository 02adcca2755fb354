"""Texts: how one, or a question about one, becomes numbers, here and in a page."""

from pipeline.inputs.contract import Input
from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.read import read

INPUT = Input(
    "text",
    TextOptions,
    raw="text",
    read=read,
    example="{text: {tokenizer: tokenizer.json, length: 128}}",
)
