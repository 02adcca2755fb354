"""Where the client cannot run, it says so and what to use instead: in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

LOAD = """
import { load, LoadError, ModelError } from "model-pipeline-client";
const error = await load("https://cdn.example/mobilenet/latest.json").catch((error) => error);
const { name, code, message } = error;
const kinds = [error instanceof ModelError, error instanceof LoadError, error instanceof Error];
console.log(JSON.stringify({ name, code, message, kinds }));
"""


def test_node_is_told_what_to_use_instead(project: Path) -> None:
    (project / "server.js").write_text(LOAD)
    done = subprocess.run(["node", "server.js"], cwd=project, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), "importing it does no harm"
    said = json.loads(done.stdout)
    assert (said["name"], said["code"]) == ("ModelError", "environment")
    assert said["kinds"] == [True, False, True]
    assert "onnxruntime-node" in said["message"] and "in the browser only" in said["message"]
