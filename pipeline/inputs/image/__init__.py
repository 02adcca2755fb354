"""Images: how a decoded one becomes what a model reads, here and in a page."""

from pipeline.inputs.contract import Input
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import thumbnail
from pipeline.inputs.image.propose import propose
from pipeline.inputs.image.read import read
from pipeline.inputs.image.transformers import FACTS, options_of


def constants(options: ImageOptions) -> dict[str, bool]:
    """Whether preprocess.js has to keep shapes, and to resize in other ways than the default."""
    return {
        "INPUT_FITS": options.fit != "stretch",
        "INPUT_KERNELS": options.resize != "bilinear",
    }


INPUT = Input(
    "image",
    ImageOptions,
    raw="image",
    read=read,
    example="{image: {size: [224, 224], color: rgb, scale: [-1, 1]}}",
    propose=propose,
    facts=FACTS,
    options_of=options_of,
    thumbnail=thumbnail,
    constants=constants,
)
