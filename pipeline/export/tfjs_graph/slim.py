"""A TF.js graph's JSON without what TF.js does not read.

What is left out are attributes that have their default, in TensorFlow too, and what a constant says
of itself: its type and shape stand in the manifest. A constant's name stands there, in its node and
in each reader, and unless it is an output, nobody asks for its value: a number does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

Node = dict[str, Any]

#: Attributes with these values are dropped.
DEFAULTS: dict[str, Any] = {
    "explicit_paddings": {"list": {}},
    "filter_format": {"s": "SFdJTw=="},
    "num_host_args": {"i": "0"},
    "use_cudnn_on_gpu": {"b": True},
}

#: What fused nodes say of activations that they lack.
FUSED_ONLY = {"epsilon": "FusedBatchNorm", "leakyrelu_alpha": "LeakyRelu"}


def share_constants(model: dict[str, Any], contents: list[bytes | memoryview]) -> None:
    """Let nodes read one constant where there are equal ones, in place.

    Numbers are shared only by those who read them as the same input of the same operator. TF.js
    wants some at once, as it wants a shape: on WebGPU it then reads back what another operator
    brought to the GPU, which waits for it, and ends a software device.

    Args:
        model: a graph model. One with functions, the bodies of loops, is left alone.
        contents: the bytes of each weight of its manifest; what is shared goes from there too, but
            for the model's outputs.
    """
    topology = model["modelTopology"]
    if topology.get("library"):
        return
    (group,) = model["weightsManifest"]
    outputs, readers = _outputs(model), _readers(topology["node"])
    first: dict[Any, str] = {}
    shared: dict[str, str] = {}
    left = []
    for index, (weight, content) in enumerate(zip(group["weights"], contents, strict=True)):
        # A digest, so that no other copy of all weights is held.
        alike = readers.get(weight["name"]) if _may_be_numbers(weight) else None
        digest = hashlib.sha256(content).digest()
        key = (weight["dtype"], tuple(weight["shape"]), digest, alike)
        if key in first and weight["name"] not in outputs:
            shared[weight["name"]] = first[key]
        else:
            first.setdefault(key, weight["name"])
            left.append(index)
    if not shared:
        return
    group["weights"] = [group["weights"][index] for index in left]
    contents[:] = [contents[index] for index in left]
    topology["node"] = [node for node in topology["node"] if node["name"] not in shared]
    _rename(topology["node"], shared)


def _readers(nodes: Sequence[Node]) -> dict[str, frozenset[tuple[str, int]]]:
    """Of each node's name: the operators that read it, and as which input."""
    readers: dict[str, set[tuple[str, int]]] = {}
    for node in nodes:
        for place, source in enumerate(node.get("input", ())):
            readers.setdefault(source.split(":")[0], set()).add((node["op"], place))
    return {name: frozenset(places) for name, places in readers.items()}


def _may_be_numbers(weight: Mapping[str, Any]) -> bool:
    """Whether TF.js may read it at once: a shape, axes, one number; no vector of floats."""
    return weight["dtype"] == "int32" or not weight["shape"]


def slim(model: dict[str, Any]) -> None:
    """Shorten a graph model in place, but for the library of functions, its loops' bodies."""
    topology = model["modelTopology"]
    for key in ("generatedBy", "convertedBy"):
        model.pop(key, None)
    if not topology.get("library"):
        topology.pop("library", None)
    for node in topology["node"]:
        _shorten(node)
    # Equal things side by side compress best; TF.js sorts nodes itself.
    topology["node"].sort(key=lambda node: node["op"] != "Const")
    if "library" not in topology:
        outputs = _outputs(model)
        weights = [
            weight
            for group in model["weightsManifest"]
            for weight in group["weights"]
            if weight["name"] not in outputs
        ]
        _number_constants(topology["node"], weights)


def _outputs(model: dict[str, Any]) -> set[str]:
    """The nodes that are asked for by name."""
    outputs = model.get("signature", {}).get("outputs", {})
    return {output["name"].split(":")[0] for output in outputs.values()}


def _shorten(node: Node) -> None:
    for key in ("device", "experimentalType"):
        node.pop(key, None)
    if node["op"] == "Const":
        node.pop("attr", None)
    attributes = node.get("attr", {})
    fused = _fused_operators(attributes)
    for name in list(attributes):
        unused = FUSED_ONLY.get(name) and node["op"].startswith("_Fused")
        if (name in DEFAULTS and attributes[name] == DEFAULTS[name]) or (
            unused and FUSED_ONLY[name] not in fused
        ):
            del attributes[name]


def _fused_operators(attributes: dict[str, Any]) -> set[str]:
    from base64 import b64decode

    operators = attributes.get("fused_ops", {}).get("list", {}).get("s", ())
    return {b64decode(operator).decode() for operator in operators}


def _number_constants(nodes: Sequence[Node], weights: Sequence[dict[str, Any]]) -> None:
    taken = {node["name"] for node in nodes}
    names: dict[str, str] = {}
    count = 0
    for weight in weights:
        while str(count) in taken:
            count += 1
        names[weight["name"]] = str(count)
        count += 1
    for weight in weights:
        weight["name"] = names[weight["name"]]
    _rename(nodes, names)


def _rename(nodes: Sequence[Node], names: Mapping[str, str]) -> None:
    for node in nodes:
        node["name"] = names.get(node["name"], node["name"])
        if "input" in node:
            node["input"] = [_renamed(name, names) for name in node["input"]]


def _renamed(source: str, names: Mapping[str, str]) -> str:
    """An input, or ``^node`` that only has to run before."""
    name = source.removeprefix("^")
    return source.removesuffix(name) + names.get(name, name)
