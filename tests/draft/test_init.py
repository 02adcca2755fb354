"""``pipeline init`` writes a config of what it is given, which builds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import commands
import http_server
import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.draft.config import draft, to_yaml
from pipeline.draft.look import Seen
from pipeline.draft.source import Named, name_source
from pipeline.tensors.signature import Signature, TensorSpec

HOLD = {"onnx": None, "tfjs-graph": None}
NAMED = Named("mine", {"keras_file": "mine.keras"})


def seen(*specs: TensorSpec, **more: Any) -> Seen:
    """The last one is the output."""
    return Seen(**({"signature": Signature(specs[:-1], specs[-1:]), "formats": HOLD} | more))


def written(seen: Seen, named: Named = NAMED, **more: Any) -> dict[str, Any]:
    text = to_yaml(draft(named, seen, **more))
    assert max(map(len, text.splitlines())) <= 100
    said: dict[str, Any] = yaml.safe_load(text)
    return said


CLASSES = TensorSpec("classes", "float32", (None, 5), softmax=True)


@pytest.mark.parametrize(
    ("dtype", "shape", "image"),
    [
        ("float32", (None, 96, 64, 3), {"size": [96, 64], "color": "rgb", "scale": [0, 1]}),
        ("float32", (None, 3, 96, 64), {"size": [96, 64], "color": "rgb", "scale": [0, 1]}),
        ("float32", (1, 28, 28, 1), {"size": [28, 28], "color": "grey", "scale": [0, 1]}),
        ("uint8", (1, None, None, 3), {"size": [224, 224], "color": "rgb", "scale": [0, 255]}),
        ("int32", (None, 3, 3, 3), {"size": [3, 3], "color": "rgb", "scale": [0, 255]}),
    ],
)
def test_an_image_is_told_by_its_shape(dtype: str, shape: Any, image: Any) -> None:
    said = written(seen(TensorSpec("x", dtype, shape), CLASSES))
    assert said["input"] == {"image": image}
    assert said["samples"] == {"bundled": "photos"}
    assert said["task"] == "image-classification"


@pytest.mark.parametrize(
    ("output", "task"),
    [
        (CLASSES, "image-classification"),
        (replace(CLASSES, softmax=False), "tensors"),
        (replace(CLASSES, softmax=False, shape=(None, 1, 1, 1001)), "image-classification"),
        (replace(CLASSES, shape=(None, 7, 7, 5)), "tensors"),
        (replace(CLASSES, shape=(None, None)), "tensors"),
    ],
)
def test_classes_are_told_by_a_softmax_or_by_their_number(output: TensorSpec, task: str) -> None:
    assert written(seen(TensorSpec("x", "float32", (None, 8, 8, 3)), output))["task"] == task


def test_what_is_no_image_gets_samples_of_its_sizes() -> None:
    said = written(
        seen(
            TensorSpec("tokens", "int32", (None, None)),
            TensorSpec("mask", "float32", (None, 4, None)),
            TensorSpec("flag", "bool", ()),
            CLASSES,
        )
    )
    sizes = {"tokens": [64], "mask": [64]}
    assert said["samples"] == {"random": {"count": 16, "sizes": sizes}}
    assert "input" not in said and said["task"] == "tensors"


def test_what_cannot_hold_or_run_it_is_left_out_with_the_reason() -> None:
    reason = "TF.js has no Loop: at a/loop_1, and much more that would not fit on the line it is on"
    text = to_yaml(
        draft(
            NAMED,
            seen(
                CLASSES,
                CLASSES,
                formats={"onnx": None, "tfjs-graph": reason},
                lacking={"ort-wasm": "it lacks a kernel"},
            ),
        )
    )
    said = yaml.safe_load(text)
    assert said["export"] == {"onnx": {}} and "#   tfjs-graph: " not in text
    assert "  # tfjs-graph: TF.js has no Loop" in text and "  # ort-wasm: it lacks a kern" in text
    assert said["validate"]["backends"] == ["onnxruntime-cpu"]


def test_what_a_model_does_not_tell_stands_beside_its_key() -> None:
    made = draft(NAMED, seen(TensorSpec("x", "float32", (None, 8, 8, 3)), CLASSES))
    assert [*made.checks] == ["license", "samples", "input"]
    lines = to_yaml(made).splitlines()
    assert lines[lines.index("license: unknown") - 1].startswith("# check: ")
    known = draft(replace(NAMED, license="MIT"), made.seen, {"images": "photos"})
    assert [*known.checks] == ["input"] and known.samples == {"images": "photos"}


def file_of(folder: Path, name: str, content: bytes = b"") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def layers() -> bytes:
    return json.dumps({"modelTopology": {"node": []}, "weightsManifest": []}).encode()


def test_models_are_named_by_what_they_are(tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    file_of(tmp_path / "a", "saved_model.pb")
    file_of(tmp_path / "Big Model", "model.json", layers())
    named = [name_source(str(tmp_path / name), configs) for name in ("a", "Big Model")]
    assert named[0] == Named("a", {"saved_model": "../a"})
    assert named[1] == Named("big-model", {"tfjs": "../Big Model/model.json"})
    assert name_source(str(tmp_path / "Big Model" / "model.json"), configs) == named[1]
    assert name_source("google/movenet/tfJs/singlepose-lightning/4", configs) == Named(
        "movenet", {"kaggle": "google/movenet/tfJs/singlepose-lightning/4"}
    )
    assert name_source("https://a.example/x/net.tflite?v=1", configs) == Named(
        "net", {"url": "https://a.example/x/net.tflite?v=1"}
    )


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda to: to / "none.onnx", "there is no "),
        (lambda to: file_of(to, "net.pth"), "is a file of PyTorch"),
        (lambda to: file_of(to, "net.pt2"), "is a program of PyTorch's"),
        (lambda to: file_of(to, "notes.onnx", b"no model"), "is no model of a kind"),
        (lambda to: file_of(to / "empty", "a.txt").parent, "holds no model"),
        (
            lambda to: {file_of(to / "two", f"{n}.json", layers()).parent for n in "ab"}.pop(),
            "holds 2 models: a.json, b.json",
        ),
    ],
)
def test_what_is_no_model_is_told(make: Callable[[Path], Path], what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        name_source(str(make(tmp_path)), tmp_path)
    assert what in str(told.value) and told.value.todo


def test_a_repository_gives_its_best_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["README.md", "model.keras", "onnx/model_fp16.onnx", "onnx/model.onnx"]
    files += ["onnx/model.onnx_data", "pytorch_model.bin"]
    with http_server.running_server() as site:
        monkeypatch.setenv("HF_ENDPOINT", site.address)
        listed = {"siblings": [{"rfilename": name} for name in files]}
        site.put("api/models/org/tiny/revision/main", json.dumps(listed).encode())
        site.put("api/models/org/none/revision/main", b'{"siblings": []}')
        named = name_source("org/tiny", tmp_path)
        source = {
            "repo": "org/tiny",
            "file": "onnx/model.onnx",
            "beside": ["onnx/model.onnx_data"],
        }
        assert named == Named("tiny", {"hugging_face": source})
        with pytest.raises(ConfigError, match=r"org/none holds no model.*\n.*optimum-cli"):
            name_source("org/none", tmp_path)


PROCESSOR = {
    "do_center_crop": True,
    "crop_size": {"height": 16, "width": 16},
    "size": {"shortest_edge": 20},
    "resample": 3,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.25, 0.25],
}


def test_what_stands_beside_a_model_of_the_hub_is_in_its_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"id2label": {str(index): name for index, name in enumerate(["a", "b", "no", "d"])}}
    files = {
        "onnx/model.onnx": classifier(tmp_path / "model.onnx").read_bytes(),
        "config.json": json.dumps(names).encode(),
        "preprocessor_config.json": json.dumps(PROCESSOR).encode(),
    }
    listed = [{"rfilename": name} for name in files]
    with http_server.running_server() as site:
        monkeypatch.setenv("HF_ENDPOINT", site.address)
        told = {"siblings": listed, "tags": ["onnx", "license:apache-2.0"]}
        site.put("api/models/org/tiny/revision/main", json.dumps(told).encode())
        for name, content in files.items():
            site.put(f"org/tiny/resolve/main/{name}", content)
        said = init(tmp_path, "org/tiny")
    config = yaml.safe_load((tmp_path / "configs" / "tiny.yaml").read_text())
    assert config["input"] == {
        "image": {
            **{"size": [16, 16], "color": "rgb", "scale": [0, 1], "fit": "crop", "ratio": 0.8},
            **{"resize": "bicubic-pillow", "mean": [0.5] * 3, "std": [0.25] * 3},
        }
    }
    assert config["labels"] == ["a", "b", "no", "d"] and config["license"] == "Apache-2.0"
    assert config["source"] == {"hugging_face": {"repo": "org/tiny", "file": "onnx/model.onnx"}}
    assert "check input" not in said and "check license" not in said and "check samples" in said
    assert load_config(tmp_path / "configs" / "tiny.yaml").labels == ["a", "b", "no", "d"]


def classifier(path: Path) -> Path:
    """ONNX: the mean colour of an image, weighed."""
    weights = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["classes"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weights, "w")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def init(folder: Path, *words: str, check: int = 0) -> str:
    """What it says, of a model in ``folder``."""
    store = folder / "store"
    done = commands.pipeline("init", *words, "--store", store, cwd=folder, check=check)
    return done.output


def test_a_model_is_looked_at_and_its_config_is_one(tmp_path: Path) -> None:
    classifier(tmp_path / "colours.onnx")
    said = init(tmp_path, "colours.onnx", "--license", "MIT")
    assert "then: pipeline build configs/colours.yaml" in said
    config = load_config(tmp_path / "configs" / "colours.yaml")
    assert config.task.kind == "image-classification" and config.license == "MIT"
    written = yaml.safe_load((tmp_path / "configs" / "colours.yaml").read_text())
    assert {*written["export"]} == {"onnx", "tfjs-graph"}
    again = init(tmp_path, "colours.onnx", check=2)
    assert "there is configs/colours.yaml already" in again


def test_a_model_that_no_format_holds_leaves_no_config(tmp_path: Path) -> None:
    file_of(tmp_path, "model.json", layers())
    with pytest.raises(AssertionError, match="error:"):
        init(tmp_path, "model.json")
    assert list((tmp_path / "configs").iterdir()) == []


@pytest.mark.nightly
@pytest.mark.parametrize("model", [None, "colours.onnx", "net.keras", "saved"])
def test_what_it_writes_builds(model: str | None, tmp_path: Path) -> None:
    if model == "colours.onnx":
        classifier(tmp_path / model)
    elif model:
        import keras

        stir = keras.initializers.RandomNormal(stddev=1, seed=1)
        net = keras.Sequential(
            [
                keras.Input([16, 16, 3]),
                keras.layers.Conv2D(4, 3, kernel_initializer=stir, activation="relu"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(7, kernel_initializer=stir, activation="softmax"),
            ]
        )
        keep = net.save if model.endswith(".keras") else net.export
        keep(tmp_path / model)
    init(tmp_path, *([model] if model else []), "--to", "c.yaml")
    commands.pipeline("build", "c.yaml", "--store", tmp_path / "store", cwd=tmp_path)
    assert (tmp_path / "artifacts" / "cdn" / "index.json").is_file()


@pytest.mark.nightly
def test_labelled_images_tell_how_they_are_prepared(tmp_path: Path) -> None:
    """The bundled digits as files, and the bundled model as one whose way nobody knows."""
    from PIL import Image

    from pipeline.bundled.digits import FILE, digits

    for number, (image, label) in enumerate(zip(*digits("test"), strict=True)):
        to = tmp_path / "photos" / str(label) / f"{number}.png"
        to.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(image)).save(to)
    model = FILE.with_name("mobilenet_digits.h5")
    init(tmp_path, str(model), "--samples", "photos", "--to", "c.yaml")
    config = yaml.safe_load((tmp_path / "c.yaml").read_text())
    assert config["input"]["image"]["scale"] == [-1, 1]
    assert config["samples"] == {"images": "photos"}
