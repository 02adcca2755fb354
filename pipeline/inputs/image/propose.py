"""What a config may say of images, as far as the model's input tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.inputs.contract import Proposal
from pipeline.inputs.image.read import is_image
from pipeline.tensors.signature import TensorSpec

#: Pixels of a side where the model takes any.
SIDE = 224

CHECK_SCALE = (
    "what 0 and 255 become: TensorFlow's MobileNets take [-1, 1], its detectors [0, 255], most "
    "models of PyTorch [0, 1] with mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]"
)


def propose(specs: Sequence[TensorSpec]) -> Proposal | None:
    """The size and the channels of the one input that may be an image."""
    if not is_image(specs):
        return None
    (spec,) = specs
    is_first = spec.shape[1] in (1, 3) and spec.shape[3] not in (1, 3)
    height, width, channels = spec.shape[2:] + spec.shape[1:2] if is_first else spec.shape[1:]
    options: dict[str, Any] = {
        "size": [height or SIDE, width or SIDE],
        "color": "grey" if channels == 1 else "rgb",
    }
    checks = []
    if None in (height, width):
        checks.append("the size: the model takes any")
    if spec.dtype.startswith(("float", "bfloat")):
        options["scale"] = [0, 1]
        checks.append(CHECK_SCALE)
    else:
        options["scale"] = [0, 255]
    return Proposal(options, {"bundled": "photos"}, tuple(checks))
