"""A model with the signature of the public MobileBERT for SQuAD, which answers in a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from answer_cases import TOKENIZER
from commands import pipeline
from shared_store import SharedStore

pytestmark = pytest.mark.nightly

LENGTH, STEP = 384, 1
CONFIG: dict[str, Any] = {
    "name": "mobilebert",
    "license": "Apache-2.0",
    "task": {"question-answering": {"threshold": 4.3980759382247925, "longest": 31}},
    "input": {"text": {"tokenizer": str(TOKENIZER), "mask": "input_mask", "types": "segment_ids"}},
    "variants": {"fp32": {}},
    "export": {"onnx": {}},
    "validate": {"backends": ["onnxruntime-cpu"], "gates": {"default": {"span_agreement": 0.99}}},
}


def save(folder: Path) -> None:
    """Its names and shapes: three rows of 384 whole numbers, and a step that no page gives.

    It answers with the first piece "model" of the text, and only where the step is right.
    """
    import tensorflow as tf

    from pipeline.inputs.text.tokenizer import load

    wanted = load(TOKENIZER).token_to_id("model")
    row = tf.TensorSpec((None, LENGTH), tf.int32)
    step = tf.TensorSpec((), tf.int32, "global_step")

    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable(tf.constant([9.0, 0.01]))

        @tf.function(input_signature=[row, row, row, step])
        def answer(
            self, input_ids: Any, input_mask: Any, segment_ids: Any, global_step: Any
        ) -> Any:
            hit = tf.cast((input_ids == wanted) & (segment_ids == 1), tf.float32)
            mask, at = tf.cast(input_mask, tf.float32), tf.range(LENGTH, dtype=tf.float32)
            scores = hit * self.weight[0] * tf.cast(global_step, tf.float32) - at * self.weight[1]
            logits = scores * mask - 9 * (1 - mask)
            return {"start_logits": logits, "end_logits": logits + 0.5 * hit}

    model = Model()
    tf.saved_model.save(model, str(folder), signatures=model.answer)


def test_a_model_of_its_signature_is_proved_by_its_answers(
    tmp_path: Path, shared_store: SharedStore
) -> None:
    save(tmp_path / "saved")
    context = "It runs. " * 150 + "The model runs. " + "It is fast. " * 60
    rows = [
        {"question": "What runs?", "context": "Today the model runs here.", "answers": ["model"]},
        {"question": "Which one?", "context": context, "answers": ["the model", "model"]},
        {"question": "Why?", "context": "Nobody knows why.", "answers": []},
    ]
    lines = [{**row, "split": split} for split in ("calibration", "test") for row in rows]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, lines)))
    source = {"saved_model": str(tmp_path / "saved"), "inputs": {"global_step": STEP}}
    config = {**CONFIG, "source": source, "samples": {"jsonl": str(tmp_path / "asked.jsonl")}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    words = ["build", tmp_path / "config.yaml", "--store", shared_store.store("mobilebert")]
    done = pipeline(*words, "--set", f"publish.to={tmp_path / 'cdn'}", "--json")
    manifest = json.loads(done.stdout)["manifest"]
    names = [spec["name"] for spec in manifest["inputs"]]
    assert sorted(names) == ["input_ids", "input_mask", "segment_ids"]
    accuracy = manifest["accuracy"]
    # The second question takes several windows, and is one.
    assert (accuracy["metric"], accuracy["value"], accuracy["samples"]) == ("answer_exact", 1.0, 3)
