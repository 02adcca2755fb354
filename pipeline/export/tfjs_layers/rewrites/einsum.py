"""``EinsumDense`` as one product of a matrix: TF.js has the layer, and its wasm no Einsum."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    dense,
    fixed_sizes,
    own_weights,
    permute,
    reshape,
)
from pipeline.tensors.arrays import Array, np

#: Letters for the axes that ``...`` stands for; Keras takes those of an equation from the others.
_MORE = "0123456789"


def _einsum(entry: Config, layer: Any) -> list[Piece]:
    """Axes that stay, those that are summed over; those that stay, those that are new."""
    name = layer.name
    before, after, kernel = _terms(layer)
    staying = [axis for axis in before if axis in after]
    summed = [axis for axis in before if axis not in after]
    new = [axis for axis in after if axis not in before]
    if (
        set(staying) & set(kernel)
        or sorted(kernel) != sorted(summed + new)
        or before[0] != after[0]
    ):
        raise cannot(name, "EinsumDense", f"{layer.equation} is no product of a matrix alone")
    weights = dict(own_weights(layer))
    matrix = np.einsum(f"{kernel}->{''.join(summed + new)}", weights["kernel"])
    sizes = matrix.shape[: len(summed)], matrix.shape[len(summed) :]
    matrix = matrix.reshape(int(np.prod(sizes[0])), int(np.prod(sizes[1])))
    bias = _bias(layer, weights, after, new)
    pieces = [dense(f"{name}_product", matrix, bias)]
    if list(before) != staying + summed:
        pieces.insert(
            0, permute(f"{name}_ordered", [before.index(a) for a in staying[1:] + summed])
        )
    if len(summed) != 1 or len(new) != 1:
        input_sizes, _ = fixed_sizes(layer)
        pieces = _folded(
            name, pieces, [input_sizes[before.index(axis) - 1] for axis in staying[1:]], sizes
        )
    if list(after) != staying + new:
        order = staying + new
        pieces.append(permute(f"{name}_placed", [order.index(axis) for axis in after[1:]]))
    last = {"activation": entry["config"]["activation"], "name": name}
    return chain(*pieces, Piece("Activation", last))


def _folded(
    name: str,
    pieces: list[Piece],
    staying: list[int],
    sizes: tuple[tuple[int, ...], tuple[int, ...]],
) -> list[Piece]:
    """With the axes that are summed over made one, and the new ones of the answer apart."""
    *ordered, product = pieces
    summed, new = sizes
    before = reshape(f"{name}_folded", [*staying, int(np.prod(summed))])
    return [*ordered, before, product, reshape(f"{name}_unfolded", [*staying, *new])]


def _terms(layer: Any) -> tuple[str, str, str]:
    """The letters of the input, of the output and of the kernel."""
    operands, after = layer.equation.replace(" ", "").split("->")
    before, kernel = operands.split(",")
    letters = len(before.replace("...", ""))
    more = _MORE[: len(layer.input_shape) - letters] if "..." in before else ""
    return before.replace("...", more), after.replace("...", more), kernel


def _bias(layer: Any, weights: dict[str, Array], after: str, new: list[str]) -> Array | None:
    """[product of the new axes]; of one that differs along others there is none."""
    if "bias" not in weights:
        return None
    if not set(layer.bias_axes) <= set(new):
        raise cannot(layer.name, "EinsumDense", "its bias is not of new axes alone")
    bias = weights["bias"]
    bias = bias.reshape((1,) * (len(after) - bias.ndim) + bias.shape)
    shape = [bias.shape[after.index(axis)] for axis in new]
    sizes = [layer.output_shape[after.index(axis)] for axis in new]
    return np.broadcast_to(bias.reshape(shape), sizes).ravel()


REWRITES: dict[str, Rewrite] = {"EinsumDense": _einsum}
