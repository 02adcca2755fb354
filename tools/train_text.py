"""Train the bundled labels of texts: ``python -m tools.train_text``.

It writes the ``.h5``, its facts, tokenizer and samples into the package. All is seeded: the same
TensorFlow with as many threads on the same kind of processor gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from tools.text_grammar import LABELS, messages

HERE = Path(__file__).parents[1] / "pipeline" / "bundled"
NAME = "text_labels"
SEED = 0
BATCH_SIZE, EPOCHS, LEARNING_RATE = 64, 6, 1e-3
MESSAGES = 12000
LENGTH, WIDTH, HEADS = 48, 48, 2
PIECES = 700
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def make_tokenizer(texts: Sequence[str], file: Path, pieces: int = PIECES) -> None:
    """WordPiece of the texts, with every printable character of ASCII."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=pieces,
            special_tokens=SPECIAL,
            initial_alphabet=[chr(code) for code in range(33, 127)],
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    file.write_text(tokenizer.to_str() + "\n")


def architecture() -> Any:
    """Embeddings, a convolution, which tells places, self-attention, and the largest of each."""
    import tf_keras
    from tf_keras import layers

    ids = tf_keras.Input((LENGTH,), dtype="int32", name="input_ids")
    hidden = layers.Embedding(PIECES, WIDTH)(ids)
    near = layers.Conv1D(WIDTH, 3, padding="same", activation="relu")(hidden)
    hidden = layers.LayerNormalization()(layers.Add()([hidden, near]))
    far = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(hidden, hidden)
    hidden = layers.LayerNormalization()(layers.Add()([hidden, far]))
    wide = layers.Dense(2 * WIDTH, activation="relu")(hidden)
    hidden = layers.LayerNormalization()(layers.Add()([hidden, layers.Dense(WIDTH)(wide)]))
    pooled = layers.GlobalMaxPooling1D()(hidden)
    labels = layers.Dense(len(LABELS), "sigmoid", name="labels")(pooled)
    return tf_keras.Model(ids, labels, name=NAME)


def train(out: Path) -> None:
    """Train, and write everything into ``out``."""
    import tf_keras

    from pipeline.inputs.text.options import TextOptions
    from pipeline.inputs.text.windows import windows
    from pipeline.optimize.training.finetune import reproducible, save

    rows = list(messages(1, MESSAGES, test=False))
    tokenizer = out / f"{NAME}.tokenizer.json"
    make_tokenizer([row["text"] for row in rows[:5000]], tokenizer)
    options = TextOptions(tokenizer=tokenizer)
    ids = np.stack([windows(row["text"], options, LENGTH)[0].ids for row in rows])
    targets = np.array([[label in row["labels"] for label in LABELS] for row in rows], np.float32)
    with reproducible(SEED):
        tf_keras.backend.clear_session()
        model = architecture()
        steps = EPOCHS * -(-len(rows) // BATCH_SIZE)
        rate = tf_keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        model.compile(tf_keras.optimizers.Adam(rate), "binary_crossentropy")
        model.fit(ids.astype(np.int32), targets, BATCH_SIZE, epochs=EPOCHS, verbose=2)
        save(model, out / f"{NAME}.h5")
    write_samples(out)
    write_facts(model.count_params(), out)


def write_samples(out: Path) -> None:
    """The calibration split is of what was learnt, the test split of what was held out."""
    lines = [
        json.dumps({**row, "split": split})
        for split, seed, count in (("calibration", 2, 200), ("test", 3, 300))
        for row in messages(seed, count, test=split == "test")
    ]
    (out / f"{NAME}.jsonl").write_text("\n".join(lines) + "\n")


def write_facts(parameters: int, out: Path) -> None:
    """What the model is, and how it was trained."""
    facts = facts_of(
        NAME,
        "Tells what short English messages to a shop are about, of one grammar",
        "sentences made by tools/text_grammar.py",
        parameters,
        out,
    )
    facts["training"] = {
        "command": "python -m tools.train_text",
        "seed": SEED,
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
    } | facts["training"]
    (out / f"{NAME}.json").write_text(json.dumps(facts, indent=2) + "\n")


def facts_of(name: str, description: str, data: str, parameters: int, out: Path) -> dict[str, Any]:
    """Of a model that was trained here on what a grammar makes, but for its numbers."""
    import tensorflow as tf

    return {
        "name": name,
        "description": description,
        "license": "Apache-2.0",
        "data": {"name": data, "license": "Apache-2.0"},
        "parameters": int(parameters),
        "sha256": hashlib.sha256((out / f"{name}.h5").read_bytes()).hexdigest(),
        "training": {
            "schedule": "half a cosine to 0",
            "optimizer": "Adam",
            "tensorflow": tf.__version__,
        },
    }


@click.command()
@click.option("--out", default=HERE, type=click.Path(file_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Train the bundled labels of texts, from scratch and seeded."""
    out.mkdir(parents=True, exist_ok=True)
    train(out)


if __name__ == "__main__":
    main()
