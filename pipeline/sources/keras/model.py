"""Turns a Keras model in memory, of either Keras, into a ``LoadedModel``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tensorflow.single import SINGLE
from pipeline.sources.contract import LoadedModel, trace
from pipeline.tensors.signature import Signature, TensorSpec


def from_tf_keras(model: Any) -> LoadedModel:
    """Wrap a built functional or sequential ``tf_keras.Model``, in inference mode."""
    import tensorflow as tf

    structure = getattr(model, "_nested_inputs", None)
    if structure is None:
        raise _unbuilt(model)

    def call(tensors: Sequence[Any]) -> list[Any]:
        packed = tf.nest.pack_sequence_as(structure, tensors)
        return list(tf.nest.flatten(model(packed, training=False)))

    loaded = _wrap(model, call, lambda: _copy_of(model))
    return _with_layers(loaded, model, from_tf_keras)


def from_keras3(model: Any) -> LoadedModel:
    """Wrap a built functional or sequential Keras 3 model, in inference mode."""
    import keras

    if not model.built or not getattr(model, "inputs", None):
        raise _unbuilt(model)
    # A sequential model keeps its graph in a functional one.
    graph = getattr(model, "_functional", None) or model

    def call(tensors: Sequence[Any]) -> list[Any]:
        packed = keras.tree.pack_sequence_as(graph._inputs_struct, list(tensors))
        return list(keras.tree.flatten(model(packed, training=False)))

    def as_tf_keras() -> Any:
        from pipeline.sources.keras.to_tf_keras import convert

        return convert(model)

    return _with_layers(_wrap(model, call, as_tf_keras), model, from_keras3)


def _with_layers(
    loaded: LoadedModel, model: Any, wrap: Callable[[Any], LoadedModel]
) -> LoadedModel:
    """Say how the model is cut at its layers."""

    def until(names: Sequence[str]) -> LoadedModel:
        import keras
        import tf_keras

        library = tf_keras if isinstance(model, tf_keras.Model) else keras
        try:
            here = (loaded.renamed_layers.get(name, name) for name in names)
            outputs = [model.get_layer(name).output for name in here]
        except (AttributeError, ValueError) as error:
            raise SourceError(
                f"a layer of {', '.join(names)} is called more than once, so that it has several "
                "outputs",
                where="source.outputs",
                todo="name layers that are called once, behind them",
            ) from error
        part = wrap(library.Model(model.inputs, outputs))
        return replace(part, renamed_layers=loaded.renamed_layers)

    layers = [*(layer.name for layer in model.layers), *loaded.renamed_layers]
    return replace(loaded, layers=layers, until=until)


def start_fresh() -> None:
    """Forget the layer names given out so far in this process.

    Without it a model built from code (an application) has other layer names,
    and so other bytes, when another model was built before it.
    """
    import keras
    import tf_keras

    keras.backend.clear_session()
    tf_keras.backend.clear_session()


def public_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Names made of ``A-Z a-z 0-9 _ . -``, beginning with a letter, digit or dot, and unique.

    Such a name is valid as a node of a TensorFlow or ONNX graph and as a key in JavaScript.
    """
    used = set(taken)
    result = []
    for name in names:
        clean = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_-") or "tensor"
        unique, count = clean, 1
        while unique in used:
            unique, count = f"{clean}_{count}", count + 1
        used.add(unique)
        result.append(unique)
    return result


def specs(
    names: Iterable[str], tensors: Iterable[Any], before: Iterable[str]
) -> tuple[TensorSpec, ...]:
    """Describe symbolic tensors of TensorFlow or of either Keras.

    Args:
        before: what the source calls them.
    """
    import tensorflow as tf

    return tuple(
        TensorSpec(
            name,
            tf.as_dtype(tensor.dtype).name,
            _shape(name, tensor),
            renamed_from=None if old == name else old,
        )
        for name, tensor, old in zip(names, tensors, before, strict=True)
    )


def _shape(name: str, tensor: Any) -> tuple[int | None, ...]:
    shape = tensor.shape
    if getattr(shape, "rank", 0) is None:
        raise SourceError(
            f"the tensor {name!r} has no known number of dimensions",
            todo="export the model with a signature that fixes the rank of every tensor",
        )
    return tuple(None if size is None else int(size) for size in shape)


def _wrap(
    model: Any, call: Callable[[Sequence[Any]], list[Any]], copy: Callable[[], Any]
) -> LoadedModel:

    before = _input_names(model), _output_names(model)
    renamed = _rename_layers(model)
    inputs = public_names(before[0])
    outputs = public_names(before[1], taken=inputs)
    signature = Signature(
        specs(inputs, model.inputs, before[0]), specs(outputs, model.outputs, before[1])
    )
    # The names of a model need not be valid in Python; these are.
    arguments = {name: f"x{index}" for index, name in enumerate(inputs)}

    def run(**tensors: Any) -> dict[str, Any]:
        results = call([tensors[arguments[name]] for name in inputs])
        return dict(zip(outputs, results, strict=True))

    try:
        function = trace(run, signature.inputs, arguments)
    except Exception as error:  # whatever a layer raises
        raise SourceError(
            f"the model {model.name!r} cannot be run in TensorFlow ({reason_of(error)})",
            todo="run it in Keras on a batch of that shape, and replace the layer that fails",
        ) from error
    # Some layers say other shapes than they compute: RandomCrop, Activation("glu").
    true = tuple(_computed(spec, function.structured_outputs) for spec in signature.outputs)
    signature = Signature(signature.inputs, true)
    results = {name: name for name in outputs}
    return LoadedModel(function, signature, arguments, results, copy, renamed_layers=renamed)


def _computed(spec: TensorSpec, outputs: Mapping[str, Any]) -> TensorSpec:
    """The output with the shape that its graph gives it, as far as that tells."""
    shape = outputs[spec.name].shape
    if shape.rank != len(spec.shape):
        return spec
    sizes = zip(shape.as_list(), spec.shape, strict=True)
    return replace(spec, shape=tuple(stated if size is None else size for size, stated in sizes))


def _input_names(model: Any) -> list[str]:
    names = getattr(model, "input_names", None)
    # Keras 3 names an input by its layer, and lists no names.
    return names or [tensor._keras_history.operation.name for tensor in model.inputs]


def _output_names(model: Any) -> list[str]:
    """The keys of a dict of outputs, joined where one lies in another; or the layers' names."""
    # A sequential model of Keras 3 has its names in the functional one inside it.
    graph = getattr(model, "_functional", None) or model
    paths = _paths(graph)
    return [
        "/".join(map(str, path)) if any(isinstance(key, str) for key in path) else name
        for path, name in zip(paths, graph.output_names, strict=True)
    ]


def _paths(graph: Any) -> list[tuple[Any, ...]]:
    """Where each output lies in what the model returns, in the order of ``model.outputs``."""
    if (structure := getattr(graph, "_outputs_struct", None)) is not None:
        import keras

        return [path for path, _ in keras.tree.flatten_with_path(structure)]
    from tensorflow.python.util import nest

    return [path for path, _ in nest.flatten_with_tuple_paths(graph._nested_outputs)]


#: What TensorFlow takes as the name of a scope.
_SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


def _rename_layers(model: Any) -> dict[str, str]:
    """Give layers names that TensorFlow takes, where theirs are none, and return old -> new.

    Keras 3 lets a layer have any name, and says so only when the model is traced.
    """
    layers = list(model._flatten_layers())
    odd = [layer for layer in layers if not _SCOPE.fullmatch(layer.name)]
    taken = [layer.name for layer in layers if layer not in odd]
    before = [layer.name for layer in odd]
    for layer, name in zip(odd, public_names(before, taken), strict=True):
        layer.name = name
    return dict(zip(before, (layer.name for layer in odd), strict=True))


def _copy_of(model: Any) -> Any:
    """The same layers and weights in float32, in which the graph is frozen."""
    import tf_keras

    policies = {layer.dtype_policy.name for layer in model._flatten_layers()}
    if policies == {"float32"}:
        copy = tf_keras.models.clone_model(model)
    else:
        copy = type(model).from_config(_in_single(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _in_single(config: Any) -> Any:
    """A config whose layers compute in float32."""
    if isinstance(config, list | tuple):
        return type(config)(_in_single(item) for item in config)
    if not isinstance(config, dict):
        return config
    result = {key: _in_single(value) for key, value in config.items()}
    policy = result.get("dtype")
    name = policy["config"]["name"] if isinstance(policy, dict) else policy
    if isinstance(name, str) and name.removeprefix("mixed_") in SINGLE:
        result["dtype"] = "float32"
    return result


def _unbuilt(model: Any) -> SourceError:
    return SourceError(
        f"the model {model.name!r} does not say what its inputs are",
        todo="call it once on a batch and export it as a SavedModel, or rebuild it with Input()",
    )
