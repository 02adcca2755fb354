"""Refuses Keras configs that would run code, import modules or read files when loaded.

Keras' own ``safe_mode`` stops pickled lambdas in ``.keras`` files. It does not look at
legacy HDF5 files (CVE-2025-9905), and what else a config may name has been abused before
(CVE-2025-1550: any module; CVE-2025-8747: ``keras.utils.get_file``; CVE-2025-12058:
``vocabulary`` as a path). So everything a config names must be on the lists below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.sources.keras.application_layers import MODULES

_KEEP_OUT = "rebuild the model without it, or export it as a SavedModel and use source saved_model"

_CODE = "it holds Python code, which is never run from a file"
_FOREIGN = "it runs a model of another framework from a file"
_NODE = "it stands for any TensorFlow operation, also one that touches files"
_WORDS = "no browser format has a table of words"
_PATH = "its vocabulary names a file to read"

_REFUSED = {
    "Lambda": _CODE,
    "__lambda__": _CODE,
    "TorchModuleWrapper": _FOREIGN,
    "JaxLayer": _FOREIGN,
    "FlaxLayer": _FOREIGN,
    "TFSMLayer": _FOREIGN,
    "TensorFlowOpLayer": _NODE,
    "ClassMethod": _NODE,
    "InstanceMethod": _NODE,
    "InstanceProperty": _NODE,
    "__typespec__": _NODE,
    "StringLookup": _WORDS,
    "TextVectorization": _WORDS,
}

#: Plain values, and what Keras 3 writes for a tensor between layers.
_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__bytes__"}

#: Where classes may come from; Keras 3 and tf_keras alike.
_CLASSES_FROM = re.compile(
    r"(tf_)?keras(\.(layers|initializers|regularizers|constraints|models|dtype_policies|losses"
    r"|metrics|optimizers(\.schedules)?|mixed_precision))?"
    r"|(tf_)?keras(\.src)?\.(layers|models|engine|ops|dtype_policies|mixed_precision)(\.\w+)+"
)
_APPLICATIONS = re.compile(r"(tf_)?keras(\.src)?\.applications\.(\w+)")
_TOP_LEVEL = {"Functional", "Model", "Sequential", "DTypePolicy", "FloatDTypePolicy", "Policy"}

_FUNCTIONS_FROM = {"builtins", "keras.activations", "tf_keras.activations"}

#: Functions of TensorFlow that a TFOpLambda layer may call: computation only, no files.
_OPERATIONS = re.compile(
    r"(compat\.v1\.)?(math|nn|linalg|__operators__)\.\w+|image\.(resize|crop_and_resize)"
    r"|(abs|add|argmax|broadcast_to|cast|clip_by_value|concat|constant|expand_dims|exp|fill|gather"
    r"|gather_nd|identity|matmul|maximum|minimum|multiply|ones|ones_like|pad|pow|range|reduce_\w+"
    r"|repeat|reshape|round|scatter_nd|shape|sigmoid|slice|split|sqrt|square|squeeze|stack|stop_grad"
    r"ient|strided_slice|subtract|tanh|tile|transpose|unstack|where|zeros|zeros_like|einsum|tensordot)"
)

_FUNCTION_NAME = re.compile(r"\w+")
_CLASS_NAME = re.compile(r"[A-Z]\w*")


def check_config(text: str | bytes, where: str) -> dict[str, Any]:
    """Parse a model's config and return it, if it names built-in layers only.

    Args:
        text: the JSON of ``model.get_config()`` with its class, as either Keras writes it.
        where: the file, for the error.

    Raises:
        SourceError: names the layer, what is wrong with it and what to do.
    """
    try:
        config = json.loads(text)
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError("it does not describe a model")
        # Losses and optimizers are never loaded (compile=False).
        inspected = {key: value for key, value in config.items() if key != "compile_config"}
        for layer, item in _objects(inspected, ""):
            _check(layer, item, where)
    except (TypeError, ValueError, RecursionError) as error:
        raise SourceError(
            f"the model's config cannot be read ({error})", where=where, todo="save the model again"
        ) from error
    return config


def _objects(value: Any, layer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dict that names a class, with the name of the layer it lies in."""
    if isinstance(value, dict):
        if "class_name" in value:
            layer = _layer_name(value) or layer
            yield layer, value
        for item in value.values():
            yield from _objects(item, layer)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item, layer)


def _layer_name(item: dict[str, Any]) -> str:
    name = _of(item, "name")
    return name if isinstance(name, str) else ""


def _of(item: dict[str, Any], key: str) -> Any:
    config = item.get("config")
    return config.get(key) if isinstance(config, dict) else None


def _check(layer: str, item: dict[str, Any], where: str) -> None:
    kind, module = item["class_name"], item.get("module")
    registered = item.get("registered_name")
    if not isinstance(kind, str):
        raise ValueError("a class_name is not a string")
    if kind in _REFUSED:
        raise _refusal(layer, kind, _REFUSED[kind], where)
    if kind == "IntegerLookup" and isinstance(_of(item, "vocabulary"), str):
        raise _refusal(layer, kind, _PATH, where)
    if kind in _VALUES:
        return
    if kind == "function":
        _check_function(layer, item, where)
    elif not _is_of_application(kind, module) and (
        not _is_built_in(kind, module) or ">" in str(registered)
    ):
        origin = f" of {module!r}" if module else ""
        why = f"it is a custom class{origin}, whose code this file does not hold"
        raise _refusal(layer, str(registered or kind), why, where)
    if kind in {"TFOpLambda", "SlicingOpLambda"}:
        _check_operation(layer, item, where)


def _is_of_application(kind: str, module: Any) -> bool:
    match = _APPLICATIONS.fullmatch(module) if isinstance(module, str) else None
    return match is not None and match[3] == MODULES.get(kind)


def _is_built_in(kind: str, module: Any) -> bool:
    if not _CLASS_NAME.fullmatch(kind):
        return False
    if module is None:
        return True  # Keras 2 names the class alone, and looks it up among its own
    if module in ("keras", "tf_keras"):
        return kind in _TOP_LEVEL
    return isinstance(module, str) and _CLASSES_FROM.fullmatch(module) is not None


def _check_function(layer: str, item: dict[str, Any], where: str) -> None:
    name, module = item.get("config"), item.get("module", "builtins")
    registered = str(item.get("registered_name"))
    allowed = isinstance(name, str) and _FUNCTION_NAME.fullmatch(name) and module in _FUNCTIONS_FROM
    if not allowed or ">" in registered or "." in registered:
        why = f"it calls {module}.{name}, which is not an activation of Keras"
        raise _refusal(layer, "function", why, where)


def _check_operation(layer: str, item: dict[str, Any], where: str) -> None:
    config = item.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    if not isinstance(function, str) or not _OPERATIONS.fullmatch(function):
        why = f"it calls tf.{function}, which is not on the list of plain computations"
        raise _refusal(layer, item["class_name"], why, where)


def _refusal(layer: str, kind: str, why: str, where: str) -> SourceError:
    todo = behind(layer) if why is _WORDS else _KEEP_OUT
    return SourceError(f"refused layer {layer!r} ({kind}): {why}", where=where, todo=todo)


def behind(layer: str) -> str:
    """What to do about a layer that has to stay in front of the model."""
    return (
        f"save what comes behind it, keras.Model([model.get_layer({layer!r}).output, …other inputs"
        "], model.outputs).save('behind.keras'), and look words up in front of it"
    )
