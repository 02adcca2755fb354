"""What a kind of source is: where a pre-trained model comes from, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import StepFunction
from pipeline.graphs.kinds import ANY, Graph
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature, TensorSpec


@dataclass(frozen=True)
class Reference:
    """The runtime that a model comes from, where that is not TensorFlow: it makes the golden."""

    name: str
    """With its version, as in ``TF.js 4.22.0 (cpu)``."""
    run: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    """A batch of inputs -> outputs, both by public name; raises ``RunError`` where it fails."""
    tolerance: float = 1e-3
    """The largest ``relative_error`` between it and the graph that was made of the model; of one
    that computes in float32, what another order of sums makes (``validate/tolerances.py``)."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run in TensorFlow.

    ``function`` is a concrete function that takes one keyword argument per input
    (the argument name may differ from the public one: ``arguments`` maps public input
    name -> keyword) and returns a dict keyed by ``results`` (public output name -> key).
    """

    function: Any
    signature: Signature
    arguments: dict[str, str]
    results: dict[str, str]
    keras: Callable[[], Any] | None = None
    """Gives a fresh ``tf_keras.Model`` with the same weights, where the source is Keras."""
    layers: Collection[str] = ()
    """The names of its layers, where the source is Keras."""
    until: Callable[[Sequence[str]], LoadedModel] | None = None
    """Gives the model from its inputs to what these layers give, in this order."""
    reference: Reference | None = None
    """What runs the model as its users know it."""
    renamed_layers: Mapping[str, str] = field(default_factory=dict)
    """Layer's name in the source -> its name here, where TensorFlow would not take that."""


@dataclass(frozen=True)
class OwnModel:
    """A model as it came, and what runs it, without TensorFlow."""

    signature: Signature
    """Floats of other sizes are float32 in it, as in every artifact."""
    reference: Reference
    graph: Callable[[LargeTensors], tuple[Any, tuple[str, ...]]]
    """Where large weights go -> a canonical ``onnx.ModelProto`` that bears the signature's names
    and computes in float32; and the other float dtypes in which it computed as it came."""


def trace(
    call: Callable[..., Any], inputs: Sequence[TensorSpec], arguments: Mapping[str, str]
) -> Any:
    """A concrete function that takes each input, by public name, as the argument of that name."""
    import tensorflow as tf

    pairs = [(arguments[spec.name], spec) for spec in inputs]
    return tf.function(call, autograph=False).get_concrete_function(
        **{name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in pairs}
    )


@dataclass(frozen=True, kw_only=True)
class Source:
    """One kind of source, a module of this folder with a ``SOURCE``."""

    name: str
    """Its key under ``source`` in a config."""
    options: type[StrictOptions]
    pull: StepFunction
    """Local and remote files -> a source folder. The model is untrusted: no code of it runs, and
    its sizes are bounded."""
    gives: Callable[[Any], tuple[Graph, ...]] = lambda options: ANY
    """Options -> the graphs that it has or that can be made of it, as far as these tell."""
    remote_files: Callable[[Any], Mapping[str, RemoteFile]] = lambda options: {}
    """Options -> what is downloaded before any step runs."""
    architecture: Callable[[Any], Mapping[str, Any] | None] = lambda options: None
    """Options -> the Keras config of the model, where the file tells it without being loaded."""
    lacks: Callable[[Any, Collection[str]], PipelineError | None] = lambda options, cut: None
    """Options, and tensors that alone are wanted -> what TensorFlow's graph of it would raise, as
    far as its file tells."""
    narrow: Callable[[Any], tuple[str, ...]] = lambda options: ()
    """Options -> the dtypes of fewer bits than float32 in which the model computes, as far as its
    file tells."""
    recognizes: Callable[[Path], bool] = lambda path: False
    """Whether a file is of this kind, told by its content; any bytes may be in it."""
    write: Callable[[Path, Path], None] | None = None
    """Such a file -> a source folder, where it came without options of its own."""
    load: Callable[[Path, Mapping[str, Any]], LoadedModel] | None = None
    """Source folder and what stands in its ``source.json`` -> the model, in the TensorFlow process;
    ``None`` where it writes what another kind loads."""
    own: Callable[[Path, Mapping[str, Any]], OwnModel] | None = None
    """The same -> the model as it came, where that is a graph that a format is made of."""


@cache
def sources() -> dict[str, Source]:
    """Every kind of source, by name."""
    return find_plugins("sources", "SOURCE", Source)
