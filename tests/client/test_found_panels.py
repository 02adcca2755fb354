"""The demo's panels of what is found in a picture: the least score, the list, and the marks.

The release's model gives the outputs of one of its task's cases, whatever it is shown: so what is
found is what Python wrote there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from client_release import Release
from client_site import Origin, running
from client_tiers import Manifest, edited, put_runtime
from demo_page import DemoPage
from nightly import CHROMIUM_FIRST
from PIL import Image
from test_demo import TYPES
from test_pictures import png

from pipeline.backends.web.bundles import make_page_code
from pipeline.backends.web.engine import engines
from pipeline.backends.web.packages import task_folder
from pipeline.inputs.image.options import ImageOptions

pytestmark = pytest.mark.browser

Case = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A demo of a model that gives a case's outputs, and what is found in them."""

    page: DemoPage
    case: Case


def model_of(case: Case) -> bytes:
    """ONNX whose outputs are a case's; of its image nothing counts, but that there is one."""
    from onnx import TensorProto, helper

    height, width = case["origin"]["input"]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, height, width, 3])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants = [helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])]
    outputs = []
    for name, tensor in case["outputs"].items():
        shape = tensor["shape"]
        data = np.array(tensor["data"], np.float32)
        constants.append(helper.make_tensor(f"{name}.told", TensorProto.FLOAT, shape, data))
        nodes.append(helper.make_node("Add", [f"{name}.told", "nothing"], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    graph = helper.make_graph(nodes, "told", [image], outputs, constants)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def release_of(task: str, case: Case, published: Release, folder: Path) -> Release:
    """The published one, as if it were of that task, with one artifact."""
    make_page_code(task, "image", folder)
    content = model_of(case)
    path = f"files/{sha256(content).hexdigest()}.onnx"
    model = folder / "cdn" / published.manifest["name"]
    twins = {"br_bytes": None, "gz_bytes": None}
    file = {"path": path, "sha256": path[6:-5], "bytes": len(content), **twins}
    height, width = case["origin"]["input"]
    image = ImageOptions(size=(height, width), fit=FITS[task]).model_dump(mode="json")

    def change(manifest: Manifest) -> None:
        del manifest["runtimes"][manifest["task"]]
        (model / path).write_bytes(content)
        code = put_runtime(folder / f"{task}.js", "", (), folder / "cdn" / "runtimes")
        manifest["runtimes"][task] = {"entry": code["path"], "version": "0", "files": [code]}
        artifact = next(one for one in manifest["artifacts"] if one["id"] == "onnx/fp32")
        artifact |= {**twins, "files": [file], "entry": path, "bytes": len(content)}
        artifact |= {"canary": None, "accuracy": None}
        spec = {"dtype": "float32", "softmax": False}
        manifest |= {
            "task": task,
            "task_options": case["options"],
            "labels": case.get("labels"),
            "artifacts": [artifact],
            "canary": None,
            "accuracy": None,
            "input": {"image": image},
            "inputs": [{"name": "image", "shape": [1, height, width, 3], **spec}],
            "outputs": [{"name": name, "shape": one["shape"], **spec}
                        for name, one in case["outputs"].items()],
        }  # fmt: skip

    return edited(published, folder, change)


#: Task -> the number of a case, and how its image came to lie in the input.
CASES = {"object-detection": 5, "pose-estimation": 8}
FITS: dict[str, Literal["stretch", "pad"]] = {
    "object-detection": "stretch",
    "pose-estimation": "pad",
}


@pytest.fixture(params=CHROMIUM_FIRST)
def engine_name(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if reason := engines()[name].unavailable():
        pytest.skip(f"{name}: {reason}; `make setup` installs it where it may")
    return name


@pytest.fixture(params=list(CASES))
def told(
    request: pytest.FixtureRequest, engine_name: str, published: Release, tmp_path: Path
) -> Iterator[Told]:
    task = str(request.param)
    case = json.loads((task_folder(task) / "cases.json").read_text())[CASES[task]]
    release = release_of(task, case, published, tmp_path)
    types = {pattern: {"Content-Type": kind} for pattern, kind in TYPES.items()}
    served = Origin({"Cache-Control": "no-cache"}, {"/": release.cdn}, extra_headers=types)
    for folder in ("", "demo/"):
        served.put(folder, (release.cdn / folder / "index.html").read_bytes())
    with running(served):
        page = DemoPage(engine_name, served.url("demo/"))
        yield Told(page, case)
        page.close()


#: Of the canvases over the picture, how many pixels are painted.
PAINTED = """
return [...document.querySelectorAll('.side canvas')].map((canvas) => {
  const { width, height } = canvas;
  if (!width || !height) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}).reduce((a, b) => a + b, 0);
"""

#: As a hand does it.
MOVE = """
const field = document.querySelector('.threshold input');
field.value = args.value;
field.dispatchEvent(new Event('input', { bubbles: true }));
"""


#: Asked by the client itself, on the same page.
ASK = """
const { load } = await import('/client/index.js');
const { normalized } = await import('/client/normalized.js');
const model = await load('/mobilenet/latest.json');
const found = await model[model.info.methods[0]](new ImageData(args.width, args.height));
await model.dispose();
return { image: found.image, first: normalized(found)[0], count: found.length };
"""


def listed(page: DemoPage) -> list[str]:
    rows: list[str] = page.get(
        "[...document.querySelectorAll('.side .objects li .score')].map((one) => one.innerText)"
    )
    return rows


def test_what_is_found_is_listed_and_marked_above_the_least_score(told: Told) -> None:
    page, answers = told.page, told.case["answers"]
    height, width = told.case["origin"]["size"]
    across = np.linspace(0, 255, width, dtype=np.uint8)
    picture = Image.fromarray(np.broadcast_to(across[None, :, None], (height, width, 3)).copy())
    page.give("#file", {"picture.png": png(picture)})
    least = f"{100 * told.case['options']['threshold']:.0f}\u00a0%"
    first = f"{100 * answers[0]['score']:.0f}"
    page.until("document.querySelector('.side .objects li')", "a list of what was found")
    rows = listed(page)
    assert len(rows) == min(8, len(answers))
    assert first in rows[0]
    assert page.run(PAINTED) > 0
    rest = len(answers) - 8
    assert page.text(".side .more") == (f"and {rest} more" if rest > 0 else "")
    assert page.get("document.querySelector('.threshold output').textContent") == least

    surer = sum(answer["score"] >= 0.6 for answer in answers)
    page.run(MOVE, value="0.6")
    page.until("document.querySelectorAll('.side .objects li').length === args.count",
               f"{surer} rows", count=min(8, surer))  # fmt: skip
    page.run(MOVE, value="0.95")
    sure = sum(answer["score"] >= 0.95 for answer in answers)
    page.until("document.querySelectorAll('.side .objects li').length === args.count",
               f"{sure} rows", count=sure)  # fmt: skip
    if not sure:
        assert page.text(".side .more") == "Nothing is surer than 95\u00a0%."
    assert page.wrong() == []


def test_answers_know_their_images_size_when_they_come_from_a_worker(told: Told) -> None:
    height, width = told.case["origin"]["size"]
    first = told.case["answers"][0]
    said = told.page.run(ASK, width=width, height=height)
    assert said["image"] == {"width": width, "height": height}
    assert said["count"] == len(told.case["answers"])
    for place in ("box", "keypoints"):
        if place in first:
            found, wanted = ([one[place]] if place == "box" else one[place]
                             for one in (said["first"], first))  # fmt: skip
            assert found[0]["x"] == pytest.approx(wanted[0]["x"] / width, abs=1e-5)
            assert found[0]["y"] == pytest.approx(wanted[0]["y"] / height, abs=1e-5)
