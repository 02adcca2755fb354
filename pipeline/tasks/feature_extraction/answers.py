"""Outputs -> embeddings. Its twin is ``task.js``."""

from __future__ import annotations

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.feature_extraction.options import Options
from pipeline.tensors.arrays import Arrays, Float32s, Float64s, np

AT = "task.feature-extraction."
#: Where a text's input keeps how many of its tokens are no padding.
TOKENS = "tokens"


def answers(outputs: Arrays, about: About[Options]) -> list[list[float]]:
    """Of each sample its embedding, as float32 has it."""
    rows: list[list[float]] = embeddings(outputs, about).astype(np.float32).tolist()
    return rows


def embeddings(outputs: Arrays, about: About[Options]) -> Float64s:
    """[n, size].

    Raises:
        ConfigError: the model has no such output, or it is of another shape.
    """
    values = _output(outputs, about.options.output).astype(np.float64)
    vectors = _pool(values, about)
    return unit(vectors) if about.options.normalize else vectors


def unit(vectors: Float64s) -> Float64s:
    """Each row [n, size] divided by its length; what has none stays."""
    lengths: Float64s = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Float64s = vectors / np.where(lengths == 0, 1, lengths)
    return units


def _pool(values: Float64s, about: About[Options]) -> Float64s:
    size = values.shape[-1]
    rows = values.reshape(len(values), -1, size)
    if about.options.pool == "first":
        return rows[:, 0]
    if about.options.pool == "mean":
        return _mean(rows, about)
    if rows.shape[1] == 1:
        return rows[:, 0]
    raise ConfigError(
        f"a sample has {rows.shape[1]} vectors of {size} numbers, and an embedding is one",
        where=AT + "pool",
        todo="set pool to mean or first, as the model's authors say",
    )


def _mean(rows: Float64s, about: About[Options]) -> Float64s:
    origins = about.origins.arrays if about.origins else {}
    counts = origins[TOKENS].reshape(-1, 1) if TOKENS in origins else rows.shape[1]
    is_token = np.arange(rows.shape[1]) < counts
    sums: Float64s = (rows * is_token[..., None]).sum(axis=1)
    means: Float64s = sums / is_token.sum(axis=-1, keepdims=True)
    return means


def _output(outputs: Arrays, name: str | None) -> Float32s:
    chosen = next(iter(outputs)) if name is None and len(outputs) == 1 else name
    if chosen is None or chosen not in outputs:
        has = f"there is no output {name}" if name else "the model has several outputs"
        raise ConfigError(
            f"{has}; it gives {', '.join(sorted(outputs))}",
            where=AT + "output",
            todo="name the output that holds the embedding",
        )
    return outputs[chosen]
