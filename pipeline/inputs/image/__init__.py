"""Images: how a decoded one becomes what a model reads, here and in a page."""

from pipeline.inputs.contract import Input
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, thumbnail


def constants(options: ImageOptions) -> dict[str, bool]:
    """Whether preprocess.js has to keep shapes, and to resize in other ways than the default."""
    return {
        "INPUT_FITS": options.fit != "stretch",
        "INPUT_KERNELS": options.resize != "bilinear",
    }


INPUT = Input("image", ImageOptions, apply, thumbnail, constants)
