"""Images: how a decoded one becomes what a model reads, here and in a page."""

from pipeline.inputs.contract import Input
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, thumbnail

INPUT = Input("image", ImageOptions, apply, thumbnail)
