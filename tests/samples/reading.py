"""How tests of samples have them read."""

from __future__ import annotations

from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.contract import samples_kinds
from pipeline.samples.read import ReadOptions


def reading(
    kind: str, options: object, image: ImageOptions | None = None, task: object = None
) -> ReadOptions:
    """How samples are read; ``input`` is tensors without options of images."""
    chosen = samples_kinds()[kind].options.model_validate(options)
    said = {"input": "image", "input_options": image.model_dump()} if image else {}
    task = {"task": task} if task else {}
    return ReadOptions.model_validate(
        {"kind": kind, "options": chosen.model_dump(mode="json"), **said, **task}
    )
