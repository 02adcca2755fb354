"""Outputs -> labels of texts. Its twin is ``task.js``."""

from __future__ import annotations

from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.text_classification.options import TextClassificationOptions
from pipeline.tensors.arrays import Arrays, Float32s, Float64s, NDArray, np

Told = About[TextClassificationOptions]


def answers(outputs: Arrays, about: Told) -> list[list[dict[str, Any]]]:
    """Of each text all labels, the likeliest first: ``{"label", "index", "score", "match"}``.

    The score is a probability. ``match`` is whether the text has the label; ``None`` where neither
    that nor the opposite is as likely as the threshold.
    """
    names, shares = label_names(outputs, about), probabilities(outputs, about)
    order = np.argsort(-shares, axis=1, kind="stable")
    return [
        [
            {
                "label": names[index],
                "index": index,
                "score": float(shares[text, index]),
                "match": match(float(shares[text, index]), about.options.threshold),
            }
            for index in indices
        ]
        for text, indices in enumerate(order.tolist())
    ]


def match(share: float, threshold: float) -> bool | None:
    """Whether a label is there, by its probability; ``None`` where that is unsure."""
    if share >= threshold:
        return True
    return False if 1 - share >= threshold else None


def label_names(outputs: Arrays, about: Told) -> list[str]:
    """What labels are called: as the config has it, else as outputs are, else by number."""
    own = sorted(outputs) if len(outputs) > 1 else []
    count = probabilities(outputs, about).shape[1]
    numbers = [str(index) for index in range(count)]
    return [*about.labels[:count], *(own or numbers)[len(about.labels) :]]


def probabilities(outputs: Arrays, about: Told) -> Float64s:
    """Of each label, float64 [n, labels].

    Raises:
        ConfigError: the model's outputs are no labels'.
    """
    many, logits = about.options.labels == "many", about.options.logits
    if many and len(outputs) > 1:
        heads = [(name, _flat(outputs[name])) for name in sorted(outputs)]
        if any(values.shape[1] != 2 for _, values in heads):
            raise _misfit(outputs)
        softened = logits and not all(about.softmax.get(name) for name in outputs)
        return np.stack([_softmax(v, softened)[:, 1] for _, v in heads], axis=1)
    values = scores(outputs)
    if many:
        return _sigmoid(values) if logits else values.astype(np.float64)
    return _softmax(values, not all(about.softmax.get(name) for name in outputs))


def scores(outputs: Arrays) -> Float32s:
    """What comes out for each label, [n, labels], of a model with one output.

    Raises:
        ConfigError: the model has several outputs, or one that is none of labels.
    """
    if len(outputs) != 1:
        raise _misfit(outputs)
    return _flat(next(iter(outputs.values())))


def decided(outputs: Arrays, about: Told) -> NDArray[np.bool_]:
    """Which labels each text has, bool [n, labels]: the likeliest one, or all that match."""
    shares = probabilities(outputs, about)
    if about.options.labels == "many":
        return shares >= about.options.threshold
    chosen: NDArray[np.bool_] = shares.argmax(axis=1)[:, None] == np.arange(shares.shape[1])
    return chosen


def _flat(values: Float32s) -> Float32s:
    """[n, k], without axes of size 1 besides; of a single number a text, [n, 1]."""
    sizes = [size for size in values.shape[1:] if size != 1]
    if len(sizes) > 1:
        raise _misfit({"output": values})
    return values.reshape(len(values), -1)


def _sigmoid(values: Float32s) -> Float64s:
    shares: Float64s = 1 / (1 + np.exp(-np.clip(values.astype(np.float64), -700, 700)))
    return shares


def _softmax(values: Float32s, of_logits: bool) -> Float64s:
    shares: Float64s = values.astype(np.float64)
    if of_logits:
        powers = np.exp(shares - shares.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _misfit(outputs: Arrays) -> ConfigError:
    shapes = {name: tuple(values.shape) for name, values in outputs.items()}
    return ConfigError(
        "labels of texts need one output [n, labels], or of many labels one [n, 2] for each; this "
        f"model gives {shapes}",
        where="task",
        todo="leave task out: outputs are then compared without giving them a meaning",
    )
