"""A text, or a question about one, becomes the inputs of a model."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.base.errors import SourceError
from pipeline.inputs.contract import Tensors
from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.windows import Question, windows
from pipeline.tensors.arrays import np
from pipeline.tensors.shapes import shown
from pipeline.tensors.signature import TensorSpec


def read(
    raw: str | Question, options: TextOptions, inputs: Sequence[TensorSpec], where: str
) -> Tensors:
    """The model's inputs of one text; of a question, ``offsets`` of the context's tokens too.

    Raises:
        SourceError: the model has other inputs, or the text does not fit.
    """
    length = length_of(options, inputs, where)
    try:
        read_windows = windows(raw, options, length)
    except ValueError as error:
        raise SourceError(str(error), where=where) from error
    if len(read_windows) > 1:
        raise SourceError(
            f"a context is too long for {length} tokens: it takes {len(read_windows)} windows, and "
            "a sample is one",
            where=where,
            todo="give shorter contexts to prove with; pages read longer ones in windows",
        )
    (window,) = read_windows
    values = {options.ids: window.ids, options.mask: window.mask, options.types: window.types}
    arrays = {spec.name: values[spec.name].astype(np.dtype(spec.dtype)) for spec in inputs}
    origin = {"offsets": window.offsets} if isinstance(raw, Question) else {}
    return Tensors(arrays, origin)


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
