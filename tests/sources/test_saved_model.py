"""SavedModels of any signature load; those that would touch files or run code do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import SourceError
from pipeline.sources import saved_model
from pipeline.sources.load import load


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two signatures; three outputs, two inputs, a dynamic batch."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    module = Module()
    pair = [tf.TensorSpec((None, 2), name="left"), tf.TensorSpec((None, 2), name="right")]

    @tf.function(input_signature=pair)
    def both(left: Any, right: Any) -> dict[str, Any]:
        product = left @ module.weight
        return {"product": product, "sum": product + right, "out 10": right}

    @tf.function(input_signature=pair[:1])
    def one(left: Any) -> dict[str, Any]:
        return {"doubled": left * 2.0}

    folder = tmp_path_factory.mktemp("saved") / "model"
    tf.saved_model.save(module, folder, signatures={"serving_default": both, "one": one})
    return folder


def pull(folder: Path, target: Path, **options: Any) -> Path:
    target.mkdir()
    chosen = saved_model.Options(path=folder, **options)
    saved_model.pull({"path": folder}, chosen, target)
    return target


def test_names_shapes_and_values(saved: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    loaded = load(pull(saved, tmp_path / "source"))
    assert [spec.name for spec in loaded.signature.inputs] == ["left", "right"]
    assert [spec.name for spec in loaded.signature.outputs] == ["out_10", "product", "sum"]
    assert loaded.signature.outputs[1].shape == (None, 2)
    assert loaded.results["out_10"] == "out 10"
    assert loaded.keras is None
    left, right = np.eye(2, dtype="float32"), np.ones((2, 2), "float32")
    tensors = {"left": tf.constant(left), "right": tf.constant(right)}
    found = loaded.function(**{loaded.arguments[name]: t for name, t in tensors.items()})
    np.testing.assert_allclose(found["sum"], [[2.0, 3.0], [4.0, 5.0]])


def test_another_signature(saved: Path, tmp_path: Path) -> None:
    loaded = load(pull(saved, tmp_path / "source", signature="one"))
    assert [spec.name for spec in loaded.signature.outputs] == ["doubled"]


def test_unknown_signature_and_tags_list_what_is_there(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        load(pull(saved, tmp_path / "a", signature="two"))
    assert "has no signature 'two'; it has one, serving_default" in str(error.value)
    with pytest.raises(SourceError, match="no graph tagged tpu; it has serve"):
        load(pull(saved, tmp_path / "b", tags=("tpu",)))


def unsafe(tmp_path: Path, function: Any) -> str:
    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(function, input_signature=[tf.TensorSpec((None,), name="x")])
    tf.saved_model.save(module, tmp_path / "unsafe", signatures=module.f)
    with pytest.raises(SourceError) as error:
        load(pull(tmp_path / "unsafe", tmp_path / "source"))
    return str(error.value)


def test_operations_on_files_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    def leak(x: Any) -> dict[str, Any]:
        secret = tf.io.read_file("/etc/hostname")
        tf.io.write_file(str(tmp_path / "written"), secret)
        return {"y": x + tf.cast(tf.strings.length(secret), tf.float32)}

    message = unsafe(tmp_path, leak)
    assert "refused this SavedModel: ReadFile, WriteFile would touch files or run code" in message
    assert not (tmp_path / "written").exists()


def test_python_functions_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    def call(x: Any) -> dict[str, Any]:
        return {"y": tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), (None,))}

    assert "PyFunc would touch files or run code" in unsafe(tmp_path, call)


def test_restoring_other_files_in_the_signature_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    def restore(x: Any) -> dict[str, Any]:
        (other,) = tf.raw_ops.RestoreV2(
            prefix="/tmp/other", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
        )
        return {"y": x + tf.reshape(other, [1])}

    assert "RestoreV2 would touch files" in unsafe(tmp_path, restore)


def with_operation(saved: Path, tmp_path: Path, operation: str) -> Path:
    """The SavedModel with one operation renamed to one that TensorFlow does not have."""
    import shutil

    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(saved, tmp_path / "changed")
    file = tmp_path / "changed/saved_model.pb"
    proto = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for function in proto.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "MatMul":
                node.op = operation
    file.write_bytes(proto.SerializeToString())
    return tmp_path / "changed"


@pytest.mark.parametrize(
    ("operation", "todo"),
    [
        ("SimpleMLInferenceOpWithHandle", "decision forests run in no browser format"),
        ("MyMatMul", "export the model again with plain TensorFlow operations"),
    ],
)
def test_operations_that_tensorflow_lacks_are_named(
    operation: str, todo: str, saved: Path, tmp_path: Path
) -> None:
    changed = with_operation(saved, tmp_path, operation)
    with pytest.raises(SourceError) as error:
        load(pull(changed, tmp_path / "source"))
    assert f"operations that TensorFlow does not have: {operation}" in str(error.value)
    assert todo in str(error.value)


def test_links_are_refused(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/saved_model.pb").write_bytes((saved / "saved_model.pb").read_bytes())
    (tmp_path / "linked/variables").symlink_to(saved / "variables")
    with pytest.raises(SourceError, match="refused 'variables': it is a link"):
        pull(tmp_path / "linked", tmp_path / "source")


def test_size_is_bounded(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_model, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="refused: more than 10 bytes"):
        pull(saved, tmp_path / "source")


def test_other_folders_and_damaged_files(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"not a SavedModel: it has no saved_model\.pb"):
        pull(tmp_path, tmp_path / "a")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/saved_model.pb").write_bytes(b"\x00junk")
    with pytest.raises(SourceError, match=r"saved_model\.pb is damaged"):
        load(pull(tmp_path / "damaged", tmp_path / "b"))


def test_source_folders_of_other_sources_may_leave_out_the_defaults(
    saved: Path, tmp_path: Path
) -> None:
    source = pull(saved, tmp_path / "source")
    details = {"load": "saved_model", "path": "saved_model"}
    (source / "source.json").write_text(json.dumps(details))
    assert len(load(source).signature.outputs) == 3
