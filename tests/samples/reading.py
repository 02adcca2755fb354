"""How tests of samples have them read."""

from __future__ import annotations

from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.text.options import TextOptions
from pipeline.samples.contract import samples_kinds
from pipeline.samples.read import ReadOptions


def reading(
    kind: str,
    options: object,
    image: ImageOptions | None = None,
    task: object = None,
    text: TextOptions | None = None,
) -> ReadOptions:
    """How samples are read; ``input`` is tensors without options of images or texts."""
    chosen = samples_kinds()[kind].options.model_validate(options)
    said: dict[str, object] = {}
    for name, own in (("image", image), ("text", text)):
        if own:
            said = {"input": name, "input_options": own.model_dump(mode="json")}
    task = {"task": task} if task else {}
    return ReadOptions.model_validate(
        {"kind": kind, "options": chosen.model_dump(mode="json"), **said, **task}
    )
