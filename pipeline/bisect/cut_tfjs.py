"""TF.js graph models: read, cut, and unpacked for a reproduction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends.targets import Target
from pipeline.bisect.graph import ArtifactGraph, Cut, Op, flowing
from pipeline.bisect.pages import write_page
from pipeline.bisect.part import part_writer
from pipeline.export.tfjs_graph.stored import byte_length

Node = dict[str, Any]

_TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "bool": "DT_BOOL"}
_ANY_SHAPE = {"unknownRank": True}


def read(artifact: Path) -> ArtifactGraph:
    """The main graph of an ARTIFACT folder; tensors are ``node:port``, as in ``frozen.pb``."""
    model = _load(artifact)
    nodes = model["modelTopology"]["node"]
    sizes = {f"{weight['name']}:0": prod(weight["shape"]) for weight in _weights(model)}
    read_somewhere = {tensor for node in nodes for tensor in _sources(node)}
    ports: dict[str, list[str]] = {node["name"]: [f"{node['name']}:0"] for node in nodes}
    for tensor in sorted(read_somewhere):
        if not tensor.endswith(":0"):
            ports[tensor.rsplit(":", 1)[0]].append(tensor)
    ops = [
        Op(
            node["name"],
            node["op"],
            tuple(_sources(node)),
            tuple(ports[node["name"]]),
            max((sizes.get(tensor, 0) for tensor in _sources(node)), default=0),
        )
        for node in nodes
        if node["op"] not in ("Const", "Placeholder")
    ]
    inputs, outputs = (
        {entry["name"]: public for public, entry in model["signature"][side].items()}
        for side in ("inputs", "outputs")
    )
    flowing_ops, constants = flowing(ops, inputs)
    return ArtifactGraph(flowing_ops, inputs, outputs, constants)


def cut(artifact: Path, wanted: Cut, folder: Path) -> None:
    """Write the part of an artifact that makes ``wanted.tensors`` as an artifact of its own."""
    model = _load(artifact)
    every = model["modelTopology"]["node"]
    nodes = _select_nodes(every, wanted)
    dropped = {node["name"] for node in every} - {node["name"] for node in nodes}
    fed = {tensor: f"given_{index}" for index, tensor in enumerate(wanted.given)}
    returned = {
        # The first output of a node bears the node's name; another one needs a node of its own.
        tensor: _short(tensor) if tensor.endswith(":0") else f"returned_{index}"
        for index, tensor in enumerate(wanted.tensors)
    }
    inputs = {
        public: entry
        for public, entry in model["signature"]["inputs"].items()
        if entry["name"].rsplit(":", 1)[0] in {node["name"] for node in nodes}
    }
    inputs |= {tensor: _entry(node, wanted.given[tensor].dtype) for tensor, node in fed.items()}
    outputs = {wanted.returned(tensor): _entry(node) for tensor, node in returned.items()}
    topology = [_placeholder(entry) for entry in inputs.values() if entry.get("given")]
    topology += [_rewired(node, fed) for node in nodes]
    topology += [
        {"name": node, "op": "Identity", "input": [tensor], "attr": _type_of(tensor, nodes)}
        for tensor, node in returned.items()
        if not tensor.endswith(":0")
    ]
    model["modelTopology"]["node"] = topology
    model["signature"] = {"inputs": inputs, "outputs": outputs}
    _name_outputs(model, list(outputs))
    writer = part_writer(artifact, wanted, list(inputs), folder)
    weights = _cut_weights(artifact, model, dropped)
    model["weightsManifest"][0]["paths"] = [writer.add_file(weights, "bin")]
    writer.finish(writer.add_file(json.dumps(model).encode(), "json"))


def unpack(artifact: Path, folder: Path) -> None:
    """Write an ARTIFACT folder's model as ``model.json`` and ``weights.bin``."""
    model = _load(artifact)
    (group,) = model["weightsManifest"]
    (folder / "weights.bin").write_bytes(_shards(artifact, group["paths"]))
    group["paths"] = ["weights.bin"]
    (folder / "model.json").write_text(json.dumps(model, indent=1))


def write_script(folder: Path, target: Target) -> str:
    """Write the page that runs a reproduction, and return the command that serves it."""
    return write_page(folder, target)


def _load(artifact: Path) -> Any:
    return json.loads(ArtifactFolder(artifact).entry.read_text())


def _weights(model: Any) -> list[Any]:
    return [weight for group in model["weightsManifest"] for weight in group["weights"]]


def _sources(node: Node) -> list[str]:
    """The tensors that a node reads, each with its port; control edges are not among them."""
    names = [name for name in node.get("input", ()) if not name.startswith("^")]
    return [name if ":" in name else f"{name}:0" for name in names]


def _short(tensor: str) -> str:
    return tensor.removesuffix(":0")


def _entry(node: str, dtype: str | None = None) -> dict[str, Any]:
    """A tensor of the signature; with a dtype, one that is fed."""
    entry: dict[str, Any] = {"name": f"{node}:0", "tensorShape": _ANY_SHAPE}
    return entry | ({"dtype": _TYPES[dtype], "given": True} if dtype else {})


def _placeholder(entry: Mapping[str, Any]) -> Node:
    attributes = {"dtype": {"type": entry["dtype"]}, "shape": {"shape": _ANY_SHAPE}}
    return {"name": _short(entry["name"]), "op": "Placeholder", "attr": attributes}


def _type_of(tensor: str, nodes: Sequence[Node]) -> dict[str, Any]:
    """The attribute ``T`` of what reads a further output of a node; TF.js itself needs none."""
    name, port = tensor.rsplit(":", 1)
    attributes = next(node.get("attr", {}) for node in nodes if node["name"] == name)
    for key in ("Tout", "T"):
        types = attributes.get(key, {}).get("list", {}).get("type", [])
        if types:
            return {"T": {"type": types[int(port)]}}
    return {"T": attributes["T"]} if "T" in attributes else {}


def _rewired(node: Node, fed: Mapping[str, str]) -> Node:
    """The node with what is given in place of what would be computed."""
    sources = [name for name in node.get("input", ()) if not name.startswith("^")]
    pairs = zip(sources, _sources(node), strict=True)
    return {**node, "input": [fed.get(tensor, name) for name, tensor in pairs]}


def _select_nodes(nodes: Sequence[Node], wanted: Cut) -> list[Node]:
    """The nodes that make the wanted tensors, in the graph's order; given ones end the walk."""
    named = {node["name"]: node for node in nodes}
    needed: set[str] = set()
    pending = list(wanted.tensors)
    while pending:
        name = pending.pop().rsplit(":", 1)[0]
        if name not in needed:
            needed.add(name)
            pending += [tensor for tensor in _sources(named[name]) if tensor not in wanted.given]
    return [node for node in nodes if node["name"] in needed]


def _name_outputs(model: Any, names: list[str]) -> None:
    """With these keys, predict() returns {name: tensor}; a single output comes back bare."""
    model.pop("userDefinedMetadata", None)
    if len(names) > 1:
        model["userDefinedMetadata"] = {"structuredOutputKeys": names}


def _cut_weights(artifact: Path, model: Any, dropped: set[str]) -> bytes:
    """The weights' bytes but for those of dropped nodes, which leave the manifest of ``model``.

    Functions, the bodies of loops and branches, have weights too: all are kept where one is
    called.
    """
    topology = model["modelTopology"]
    bodies = topology.get("library", {}).get("function", ())
    inside = {node["name"] for body in bodies for node in body["nodeDef"]}
    if any("func" in value for node in topology["node"] for value in node.get("attr", {}).values()):
        dropped = dropped - inside
    else:
        dropped = dropped | inside
        topology.pop("library", None)
    (group,) = model["weightsManifest"]
    raw = memoryview(_shards(artifact, group["paths"]))
    weights, parts, start = [], [], 0
    for weight in group["weights"]:
        end = start + _length(weight, raw[start:])
        if weight["name"] not in dropped:
            weights.append(weight)
            parts.append(raw[start:end])
        start = end
    group["weights"] = weights
    return b"".join(parts)


def _length(weight: Mapping[str, Any], rest: memoryview) -> int:
    encoded = weight.get("quantization")
    if encoded is None:
        return byte_length(weight, rest)
    size = {"float16": 2, "uint16": 2, "uint8": 1}[encoded["dtype"]]
    return int(prod(weight["shape"])) * size


def _shards(artifact: Path, paths: Sequence[str]) -> bytes:
    return b"".join((artifact / "files" / path).read_bytes() for path in paths)
