"""What the usual converters make of the same models, and whether that runs.

``tensorflowjs_converter`` and ``python -m tf2onnx.convert`` get the SavedModel that Keras exports,
as their documentation says. For a layers model the former gets an .h5 file of tf_keras, which it is
made for (``legacy.py``): of Keras 3's own it makes files that TF.js cannot load. They
are called as libraries, by what their command lines call, since a start of each takes seconds.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.conformance.case import Array, Case
from tests.conformance.convert import Converted
from tests.conformance.legacy import in_tf_keras
from tests.conformance.outcome import (
    GRAPH,
    LAYERS,
    ONNX,
    PEERS,
    TOLERANCE,
    Outcome,
    compared,
    first_line,
)

SCRIPT = Path(__file__).with_name("run_tfjs.mjs")
#: tf2onnx' own default is 15; the product's is 17.
OPSET = 17


def convert_with_peers(
    case: Case, model: Any, given: Sequence[Array], outputs: Sequence[Array], folder: Path
) -> dict[str, Any]:
    """Peer -> a job for ``run_peers``, or what became of it already."""
    names = [tensor._keras_history.operation.name for tensor in model.inputs]
    saved = folder / "saved_model"
    inputs = dict(zip(names, given, strict=True))
    try:
        model.export(saved, verbose=False)
    except Exception as error:
        return dict.fromkeys(PEERS, Outcome("crashed", first_line(error)))
    twin = in_tf_keras(case, model, given, outputs)
    makers = {GRAPH: (_graph, saved), LAYERS: (_layers, twin), ONNX: (_onnx, saved)}
    jobs: dict[str, Any] = {"inputs": inputs, "outputs": list(outputs)}
    logging.disable(logging.CRITICAL)
    for peer, (make, source) in makers.items():
        is_outcome = isinstance(source, Outcome)
        jobs[peer] = source if is_outcome else _tried(make, source, folder / peer.replace(" ", "-"))
    logging.disable(logging.NOTSET)
    return jobs


def _tried(make: Callable[[Any, Path], Path], source: Any, target: Path) -> Path | Outcome:
    target.mkdir()
    try:
        return make(source, target)
    except (Exception, SystemExit) as error:
        # Neither has errors of its own: what it refuses and what breaks look the same.
        return Outcome("crashed", first_line(error))


def _graph(saved: Path, target: Path) -> Path:
    from pipeline.export.tfjs_graph.guard import import_converter

    import_converter().convert_tf_saved_model(str(saved), str(target))
    return target / "model.json"


def _layers(model: Any, target: Path) -> Path:
    from pipeline.export.tfjs_graph.guard import _standins

    h5 = target / "model.h5"
    model.save(h5)
    with _standins():
        from tensorflowjs.converters import keras_h5_conversion as conversion

        model_json, groups = conversion.h5_merged_saved_model_to_tfjs_format(str(h5))
        conversion.write_artifacts(model_json, groups, str(target))
    return target / "model.json"


def _onnx(saved: Path, target: Path) -> Path:
    from tf2onnx import tf_loader, tfonnx
    from tf2onnx.optimizer import optimize_graph

    graph_def, inputs, outputs = tf_loader.from_saved_model(str(saved), None, None)
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf_loader.tf_session(graph=graph):
            made = tfonnx.process_tf_graph(
                graph, opset=OPSET, input_names=inputs, output_names=outputs
            )
    content = optimize_graph(made).make_model("peer").SerializeToString()
    (target / "model.onnx").write_bytes(content)
    return target / "model.onnx"


def run_peers(converted: Converted) -> dict[str, Outcome]:
    """Run what the peers made: onnxruntime, and TF.js on WebAssembly in Node."""
    jobs = converted.peers
    outcomes = {peer: jobs[peer] for peer in PEERS}
    for peer, made in outcomes.items():
        if isinstance(made, Path):
            run = _run_onnx if peer == ONNX else _run_tfjs
            given = jobs["inputs"], jobs["outputs"]
            outcomes[peer] = _judged(run, made, *given, converted.tolerance)
    return outcomes


Run = Callable[[Path, Mapping[str, Array]], list[Array]]


def _judged(
    run: Run,
    file: Path,
    inputs: Mapping[str, Array],
    wanted: Sequence[Array],
    tolerance: float = TOLERANCE,
) -> Outcome:
    """Outputs are matched by their shapes: none of the peers keeps their names."""
    try:
        given = run(file, inputs)
    except Exception as error:
        return Outcome("crashed", first_line(error))
    if len(given) != len(wanted):
        return Outcome("wrong", f"{len(given)} outputs in place of {len(wanted)}")
    best = Outcome("wrong", "the outputs have other shapes")
    for order in _orders(given, wanted):
        named = {str(i): given[place] for i, place in enumerate(order)}
        best = compared(named, {str(i): values for i, values in enumerate(wanted)}, tolerance)
        if best.state == "ok":
            return best
    return best


def _orders(given: Sequence[Array], wanted: Sequence[Array]) -> list[tuple[int, ...]]:
    from itertools import permutations

    places = permutations(range(len(given)))
    shapes = [values.shape for values in wanted]
    return [order for order in places if [given[i].shape for i in order] == shapes]


def _run_onnx(file: Path, inputs: Mapping[str, Array]) -> list[Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    # Keras numbers the tensors that it exports: keras_tensor, keras_tensor_1, …
    places = sorted((spec.name for spec in session.get_inputs()), key=lambda n: (len(n), n))
    outputs: list[Array] = session.run(None, dict(zip(places, inputs.values(), strict=True)))
    return outputs


def _run_tfjs(file: Path, inputs: Mapping[str, Array]) -> list[Array]:
    from pipeline.backends.web.packages import MODULES

    job = {"file": str(file), "inputs": [_json(name, array) for name, array in inputs.items()]}
    done = subprocess.run(
        ["node", SCRIPT, MODULES],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it ended"])[-1])
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return [np.array(one["data"], one["dtype"]).reshape(one["shape"]) for one in answer["outputs"]]


def _json(name: str, array: Array) -> dict[str, Any]:
    kind = {"f": "float32", "i": "int32", "b": "bool"}.get(array.dtype.kind, "string")
    return {"name": name, "shape": array.shape, "dtype": kind, "data": array.ravel().tolist()}
