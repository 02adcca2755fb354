"""Points of faces and hands, and the parts of an attention mesh in the mesh."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import landmark_cases
import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.face_landmarks.answers import decode
from pipeline.tasks.face_landmarks.mesh import contours, mesh
from pipeline.tasks.find import Purpose
from pipeline.tasks.hand_landmarks.answers import hand

CASES = {task: json.loads(file.read_text()) for task, file in landmark_cases.FILES.items()}


@pytest.mark.parametrize("task", CASES)
def test_the_cases_are_pythons_answers(task: str) -> None:
    for case in CASES[task]:
        answers = landmark_cases.answered(task, case)["answers"]
        assert len(answers) == len(case["answers"])
        for found, wanted in zip(answers, case["answers"], strict=True):
            assert list(found) == list(wanted)
            assert found["score"] == pytest.approx(wanted["score"])
            for one, other in zip(found["keypoints"], wanted["keypoints"], strict=True):
                assert list(one) == list(other)
                assert [one[k] for k in "xyz"] == pytest.approx([other[k] for k in "xyz"])
            assert found.get("handedness") == wanted.get("handedness")


def test_contours_join_points_that_are_there() -> None:
    """Of eyes, lips and the oval each point has two neighbours, so that they are closed."""
    assert not [name for name in contours(468) if "iris" in name]
    assert set(contours(478)) == set(contours(468)) | {"left_iris", "right_iris"}
    for name, pairs in contours(478).items():
        counts = np.unique(np.array(pairs), return_counts=True)[1]
        assert "brow" in name or (counts == 2).all(), name
        assert max(map(max, pairs)) < 478
    assert {point for pair in hand()["connections"] for point in pair} == {*range(21)}
    assert len(set(hand()["names"])) == 21


def test_parts_lie_on_the_side_that_they_are_called_by() -> None:
    """The eyes' parts hold the eyes' contours, and lips the lips'."""
    parts = mesh()["refined"]
    for name in ("lips", "left_eye", "right_eye"):
        wanted = {point for pair in contours(478)[name] for point in pair}
        assert wanted <= set(parts[name]["points"])
    for side in ("left", "right"):
        ring = {point for pair in contours(478)[f"{side}_iris"] for point in pair}
        assert ring <= set(parts[f"{side}_iris"]["points"])
        assert set(parts[f"{side}_iris"]["depth"]) <= set(parts[f"{side}_eye"]["points"])


@pytest.mark.nightly
def test_an_attention_mesh_is_merged_as_the_package_does(tmp_path: Path) -> None:
    """By the tables and code of tfjs-models, whose left is the picture's."""
    words = ("npm", "pack", "--silent", "@tensorflow-models/face-landmarks-detection@1.0.6")
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as packed:
        packed.extractall(tmp_path, filter="data")
    case = CASES["face-landmarks"][-1]
    outputs = {name: values[0] for name, values in landmark_cases.outputs_of(case).items()}
    script = """
const root = process.argv[1] + "/package/dist/";
const { landmarksRefinement } = require(root + "shared/calculators/landmarks_refinement.js");
const constants = require(root + "tfjs/constants.js");
const [names, lists] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const how = names.map((name) => constants[`LANDMARKS_REFINEMENT_${name}_CONFIG`]);
console.log(JSON.stringify(landmarksRefinement(lists, how)));
"""
    order = {
        **{"MESH": "mesh", "LIPS": "lips", "LEFT_EYE": "right_eye", "RIGHT_EYE": "left_eye"},
        **{"LEFT_IRIS": "right_iris", "RIGHT_IRIS": "left_iris"},
    }
    lists: list[Any] = []
    for output in order.values():
        axes = "xyz" if output == "mesh" else "xy"
        rows = outputs[output].astype(float).reshape(-1, len(axes))
        lists.append([dict(zip(axes, row.tolist(), strict=True)) for row in rows])
    answer = subprocess.run(
        ["node", "-e", script, tmp_path],
        input=json.dumps([list(order), lists]),
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = [[point[axis] for axis in "xyz"] for point in json.loads(answer.stdout)]
    about = Purpose(name="face-landmarks", options=case["options"]).about()
    found = decode(outputs, about).points[0] * [64, 48, 64]
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize("task", CASES)
def test_agreement_is_a_gate_of_the_task(task: str) -> None:
    case = CASES[task][0]
    purpose = Purpose(name=task, options=case["options"])
    outputs = landmark_cases.outputs_of(case)
    (name,) = purpose.task.usual
    assert purpose.task.agree is not None
    assert purpose.task.agree(outputs, outputs, purpose.about()) == {name: 1.0}
    moved = {key: values + np.float32(2) for key, values in outputs.items()}
    assert purpose.task.agree(moved, outputs, purpose.about()) == {name: 0.0}
    gone = {**outputs, "flag": outputs["flag"] - np.float32(10)}
    assert purpose.task.agree(gone, outputs, purpose.about()) == {name: 0.0}


@pytest.mark.parametrize("task", CASES)
def test_what_does_not_fit_the_outputs_is_said(task: str) -> None:
    purpose = Purpose(name=task, options=CASES[task][0]["options"])
    answers = purpose.task.answers
    assert answers is not None
    with pytest.raises(ConfigError, match="there is no output") as caught:
        answers({"y": np.zeros((1, 3), np.float32)}, purpose.about())
    assert (caught.value.where or "").startswith(f"task.{task}.points")
