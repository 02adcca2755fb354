from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from manifests import manifest
from safetensors.numpy import save_file

from pipeline.artifacts.evidence import Evidence
from pipeline.measures.worst import keep_worst
from pipeline.report.page import Context

if TYPE_CHECKING:
    from playwright.sync_api import Page

SAMPLES = 6


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def golden_folder(folder: Path) -> dict[str, np.ndarray]:
    """A golden of six 8x8 images and three classes; returns its outputs."""
    random = np.random.default_rng(0)
    folder.mkdir()
    images = random.uniform(-1, 1, (SAMPLES, 8, 8, 1)).astype(np.float32)
    outputs = {"scores": softmax(random.normal(size=(SAMPLES, 3)) * 2)}
    save_file({"image": images}, folder / "inputs.safetensors")
    save_file(outputs, folder / "outputs.safetensors")
    labels = outputs["scores"].argmax(axis=1).astype(np.int64)
    save_file({"label": labels}, folder / "truth.safetensors")
    return outputs


@pytest.fixture
def proved(tmp_path: Path) -> tuple[dict, Context]:
    """A manifest and the tensors that it speaks of, as a build leaves them."""
    made = manifest()
    outputs = golden_folder(tmp_path / "golden")
    random = np.random.default_rng(1)
    for artifact in made["artifacts"]:
        for proof in artifact["validation"]:
            if proof["status"] == "unavailable":
                continue
            folder = tmp_path / f"{artifact['id']} {proof['target']}"
            folder.mkdir(parents=True)
            noise = {"fp32": 1e-6, "fp16": 1e-2, "uint8": 4.0}[artifact["variant"]]
            scores = np.log(outputs["scores"]) + random.normal(size=(SAMPLES, 3)) * noise
            proof["worst"] = keep_worst({"scores": softmax(scores)}, outputs, folder)

    def evidence(name: str) -> Path | None:
        return tmp_path / name if (tmp_path / name).exists() else None

    command = "pipeline build configs/digits.yaml"
    return made, Context(command, (("tfjs-graph/int8", "TF.js has none"),), Evidence(evidence))


@pytest.fixture(scope="module")
def tab() -> Iterator[tuple[Page, list[str]]]:
    """A page of a browser of the tests' own, and what it says.

    Closed after each file: Playwright knows one a thread.
    """
    from playwright.sync_api import sync_playwright

    from pipeline.backends.web import session
    from pipeline.backends.web.engines.chromium import FLAGS
    from pipeline.backends.web.install import find_browser

    session.close()  # what a backend's test may have left open
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=find_browser(),
            # A report has nothing for a GPU to draw; a rasterizer in its place only takes longer.
            args=[*FLAGS, "--disable-gpu"],
            chromium_sandbox=os.geteuid() != 0,
        )
        page = browser.new_page()
        page.set_default_timeout(120_000)  # a busy machine is slow
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        yield page, said
        browser.close()
