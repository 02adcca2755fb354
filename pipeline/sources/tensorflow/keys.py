"""Keys of a signature that TensorFlow 1 wrote, as parameters that Python can call."""

from __future__ import annotations

from typing import Any

from pipeline.sources.tensorflow.part import signature_object


def plain_keys(graph: Any, signature: str) -> dict[str, str]:
    """Call inputs x0, x1… and outputs y0, y1… in a MetaGraphDef that holds no objects.

    TensorFlow 2 makes a function with these names as parameters, and refuses ``lambda``. What it
    saves itself has passed that already, and is left as it is.

    Returns:
        The new key of each input and output -> the old one.
    """
    if signature_object(graph, signature) is not None:
        return {}
    definition, old = graph.signature_def[signature], dict[str, str]()
    for side, letter in ((definition.inputs, "x"), (definition.outputs, "y")):
        infos = {key: type(side[key]).FromString(side[key].SerializeToString()) for key in side}
        side.clear()
        for index, key in enumerate(sorted(infos)):
            side[f"{letter}{index}"].CopyFrom(infos[key])
            old[f"{letter}{index}"] = key
    return old
