"""A text, or a question about one, becomes the inputs of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pipeline.base.errors import SourceError
from pipeline.inputs.contract import Tensors
from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.tokenizer import well_formed
from pipeline.inputs.text.windows import Question, Window, windows
from pipeline.tensors.arrays import Arrays, np
from pipeline.tensors.shapes import shown
from pipeline.tensors.signature import TensorSpec


def read(
    raw: str | Question, options: TextOptions, inputs: Sequence[TensorSpec], where: str
) -> Sequence[Tensors]:
    """The model's inputs of one text, or of each window of a question's context.

    The origin says how many ``tokens`` are no padding; of a question's also: ``text``, the
    context's code points, int32 [k]; ``offsets`` and ``best`` as in ``Window``; ``question``, a
    number that all its windows share.

    Raises:
        SourceError: the model has other inputs, or the text does not fit.
    """
    length = length_of(options, inputs, where)
    try:
        read_windows = windows(raw, options, length)
    except ValueError as error:
        raise SourceError(str(error), where=where) from error
    of_all = _origin(raw) if isinstance(raw, Question) else {}
    return [_tensors(window, options, inputs, of_all) for window in read_windows]


def _origin(question: Question) -> Arrays:
    """What all windows of a question share."""
    whole = "\0".join(question).encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little", signed=True)
    text = np.array([ord(char) for char in well_formed(question.context)], np.int32)
    return {"text": text, "question": np.array(number, np.int64)}


def _tensors(
    window: Window, options: TextOptions, inputs: Sequence[TensorSpec], of_all: Arrays
) -> Tensors:
    values = {options.ids: window.ids, options.mask: window.mask, options.types: window.types}
    arrays = {spec.name: values[spec.name].astype(np.dtype(spec.dtype)) for spec in inputs}
    own = {"offsets": window.offsets, "best": window.best} if of_all else {}
    return Tensors(arrays, {"tokens": window.mask.sum(), **of_all, **own})


def length_of(options: TextOptions, inputs: Sequence[TensorSpec], where: str) -> int:
    """How many tokens a model reads.

    Raises:
        SourceError: its inputs are not those that the options name, or nothing says how many.
    """
    named = (options.ids, options.mask, options.types)
    shapes = {spec.name: spec.shape for spec in inputs}
    if options.ids not in shapes or not set(shapes) <= {*named}:
        raise SourceError(
            f"texts become {', '.join(named)}; the model reads "
            + ", ".join(f"{name} {shown(shape)}" for name, shape in shapes.items()),
            where=where,
            todo="name its inputs as ids, mask and types of input.text",
        )
    wrong = next((name for name, shape in shapes.items() if len(shape) != 2), None)
    if wrong:
        raise SourceError(
            f"{wrong} is {shown(shapes[wrong])}, and texts are [batch, tokens]", where=where
        )
    fixed = shapes[options.ids][1]
    length = options.length or fixed
    if not length or (fixed and length != fixed):
        of = f"the model reads {fixed} tokens" if fixed else "the model reads any number of tokens"
        raise SourceError(
            f"{of}, and the config says {options.length or 'no number'}",
            where=where,
            todo=f"set length of input.text{f' to {fixed}' if fixed else ', such as 128'}",
        )
    return length
