"""Which bounds a config puts on an artifact: what the keys of ``validate.gates`` mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.backends.targets import Target
from pipeline.measures.bounds import Gates


def merge_bounds(artifact: str, target: Target, gates: Mapping[str, Gates]) -> dict[str, float]:
    """Metric -> bound as gates say it; the last of ``_keys`` with a metric decides."""
    bounds: dict[str, float] = {}
    for key in _keys(artifact, target):
        if key in gates:
            bounds |= gates[key]
    return bounds


def _keys(artifact: str, target: Target) -> Iterator[str]:
    """The keys of gates that mean an artifact on a target, the most particular one last.

    What names a target is more particular than what names none, an engine more than a backend;
    then an artifact more than a variant, that more than a format, that more than ``default``.
    """
    names = ("default", *artifact.split("/", 1), artifact)
    yield from names
    for place in dict.fromkeys((target.backend, target.id)):
        yield place
        yield from (f"{name} {place}" for name in names)


def known_keys(key: str, names: Sequence[str], places: Sequence[str]) -> list[str]:
    """The keys that ``key`` could have been: it is right if it is one of them.

    Args:
        names: ``default``, and the config's formats, variants and artifacts.
        places: backends and targets.
    """
    name, space, place = key.partition(" ")
    if not space:
        return [*names, *places]
    left = [name] if name in names else names
    right = [place] if place in places else places
    return [f"{name} {other}" for name in left for other in right]
