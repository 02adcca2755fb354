from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from manifests import manifest
from PIL import Image
from safetensors.numpy import save_file

from pipeline.artifacts.evidence import NO_EVIDENCE, Evidence
from pipeline.inputs.image import INPUT
from pipeline.measures.worst import keep_worst
from pipeline.report.page import Context
from pipeline.report.release import Release
from pipeline.report.samples import VISIBLE, alike, data_uri, worst_samples
from pipeline.tensors.varying import join, pack


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_each_artifacts_worst_samples_on_its_worst_target(proved: tuple[dict, Context]) -> None:
    made, context = proved
    shown = worst_samples(Release(made), context.evidence)
    assert shown[0].proof.artifact == "tfjs-graph/uint8"
    errors = [one.proof.worst[0]["error"] for one in shown]
    assert errors == sorted(errors, reverse=True) and min(errors) >= VISIBLE
    uint8 = next(a for a in made["artifacts"] if a["id"] == "tfjs-graph/uint8")
    largest = max(p["worst"][0]["error"] for p in uint8["validation"] if "worst" in p)
    assert shown[0].proof.worst[0]["error"] == largest
    assert {name for name, _ in alike(Release(made))} == {"tfjs-graph/fp32", "onnx/fp32"}


def test_answers_stand_beside_each_other(proved: tuple[dict, Context]) -> None:
    made, context = proved
    first = worst_samples(Release(made), context.evidence)[0]
    example = first.examples[0]
    golden = context.evidence.golden
    assert golden is not None
    wanted = golden.outputs()["scores"][example.sample]
    assert [line.name for line in example.lines] == [
        ["zero", "one", "two"][i] for i in np.argsort(-wanted)
    ]
    assert example.lines[0].source == f"{wanted.max():.1%}"
    assert example.lines[0].right, "labels are the source's own answers here"
    best = max(example.lines, key=lambda line: line.artifact_share or 0)
    assert example.changed == (best is not example.lines[0])


def shown(values: np.ndarray, **options: object) -> str:
    pixels = INPUT.thumbnail(values, INPUT.options.model_validate(options))
    return data_uri(pixels)


def test_preprocessing_is_undone() -> None:
    pixels = np.linspace(0, 255, 128 * 128 * 3).reshape(128, 128, 3).astype(np.float32)
    image = decoded(shown(pixels * 2 / 255 - 1, scale=(-1, 1)))
    assert image.shape == (128, 128, 3)
    assert np.abs(image.astype(float) - pixels).mean() < 6, "WebP loses a little"


def test_a_tiny_grey_image_is_shown_pixel_by_pixel() -> None:
    pixels = np.zeros((8, 8, 1), np.float32)
    pixels[:, 4:] = 1
    image = decoded(shown(pixels, scale=(0, 1), color="grey"))
    assert image.shape[:2] == (96, 96)
    assert image[40, 40].max() < 30 and image[40, 60].min() > 225


def test_numbers_without_a_meaning_are_a_table(tmp_path: Path) -> None:
    made = manifest(task="tensors", input={"tensors": {}})
    golden = {"boxes": np.zeros((3, 2, 2), np.float32), "count": np.zeros((3,), np.float32)}
    found = {name: values.copy() for name, values in golden.items()}
    found["boxes"][1, 1, 0] = 0.25
    found["count"][1] = np.nan
    (tmp_path / "golden").mkdir()
    save_file(
        {"ids": np.arange(24, dtype=np.int32).reshape(3, 8)},
        tmp_path / "golden" / "inputs.safetensors",
    )
    save_file(golden, tmp_path / "golden" / "outputs.safetensors")
    del made["artifacts"][1:]
    proof = made["artifacts"][0]["validation"][0]
    proof["worst"] = keep_worst(found, golden, tmp_path)
    del made["artifacts"][0]["validation"][1:]
    folders = {"golden": tmp_path / "golden", f"tfjs-graph/fp32 {proof['target']}": tmp_path}
    (shown,) = worst_samples(Release(made), Evidence(folders.get))
    first = shown.examples[0]
    assert (first.sample, first.image, first.changed) == (1, None, False)
    assert first.inputs == [("ids", "8, 9, 10, 11, 12, 13, … (8)")]
    lines = {line.name: (line.source, line.artifact) for line in first.lines}
    assert lines == {"boxes[1, 0]": ("0", "0.25"), "count": ("0", "nan")}


def test_a_box_too_few_is_told_with_both_shapes(tmp_path: Path) -> None:
    made = manifest(task="tensors", input={"tensors": {}})
    boxes = [np.full((count, 2), count, np.float32) for count in (1, 3, 2)]
    golden, found = {"boxes": join(boxes)}, {"boxes": join([boxes[0], boxes[1][:2], boxes[2]])}
    save_file({"x": np.zeros((3, 1), np.float32)}, tmp_path / "inputs.safetensors")
    save_file(pack(golden), tmp_path / "outputs.safetensors")
    del made["artifacts"][1:]
    proof = made["artifacts"][0]["validation"][0]
    proof["worst"] = keep_worst(found, golden, tmp_path)
    del made["artifacts"][0]["validation"][1:]
    (shown,) = worst_samples(Release(made), Evidence(lambda name: tmp_path))
    lines = {line.name: (line.source, line.artifact) for line in shown.examples[0].lines}
    assert lines == {"boxes, shape": ("3×2", "2×2"), "boxes[2, 0]": ("3", "0")}


def test_without_the_tensors_only_the_numbers_are_told(proved: tuple[dict, Context]) -> None:
    shown = worst_samples(Release(proved[0]), NO_EVIDENCE)
    assert shown and not any(one.examples for one in shown)
