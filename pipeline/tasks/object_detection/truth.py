"""The objects that are in each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.object_detection.options import Options
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import PerSample, ragged

#: What samples kinds call them: of each sample a list of ``{"box": [x, y, width, height],
#: "label": a name or a number, "crowd": bool}``, in pixels of the image.
NAME = "objects"


def objects_of(facts_of: Sequence[Mapping[str, Any]], about: About[Options]) -> PerSample | None:
    """Of each sample's k objects ``boxes`` float64 [k, 4], left, upper, right and lower edge,
    ``classes`` int64 [k], and ``crowd`` int8 [k], 1 for a box that holds several; ``None`` where
    nothing is said of any.

    Objects of classes that the model does not know are left out.

    Raises:
        ConfigError: of some samples nothing is said, no class is known to the model, or a box is
            none.
    """
    said = [facts.get(NAME) for facts in facts_of]
    if all(objects is None for objects in said):
        return None
    for sample, objects in enumerate(said):
        if objects is None:
            raise _wrong(f"nothing is said of what is in sample {sample}", "say [] of none")
    numbers = {name: index for index, name in enumerate(about.labels) if name}
    parts: list[dict[str, Array]] = [_arrays(objects or [], numbers) for objects in said]
    if any(said) and not any(len(part["classes"]) for part in parts):
        names = sorted({str(one.get("label")) for objects in said for one in objects or []})
        raise _wrong(
            f"the model knows none of what is in the samples: {', '.join(names[:5])}",
            "name the model's classes in labels as the samples do, in the order of its outputs",
        )
    return PerSample(ragged({name: [part[name] for part in parts] for name in parts[0]}))


def _arrays(objects: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> dict[str, Array]:
    known = [(one, _class_of(one.get("label"), numbers)) for one in objects]
    kept = [(one, index) for one, index in known if index is not None]
    boxes = np.array([_box(one) for one, _ in kept], np.float64).reshape(-1, 4)
    return {
        "boxes": np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
        "classes": np.array([index for _, index in kept], np.int64),
        "crowd": np.array([bool(one.get("crowd")) for one, _ in kept], np.int8),
    }


def _class_of(label: Any, numbers: Mapping[str, int]) -> int | None:
    """The model's number of it; ``None`` where it knows no such class."""
    if isinstance(label, int) and not isinstance(label, bool) and label >= 0:
        return label
    return numbers.get(label) if isinstance(label, str) else None


def _box(one: Mapping[str, Any]) -> list[float]:
    box = one.get("box")
    numbers = [*box] if isinstance(box, Sequence) and not isinstance(box, str) else []
    is_box = len(numbers) == 4 and all(_is_length(number) for number in numbers)
    if not is_box or numbers[2] < 0 or numbers[3] < 0:
        raise _wrong(f"{box!r} is no box", "give [x, y, width, height] in pixels")
    return numbers


def _is_length(number: Any) -> bool:
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return is_number and abs(number) < 1e9


def _wrong(what: str, todo: str) -> ConfigError:
    return ConfigError(what, where="samples", todo=todo)
