"""Train the bundled answerer of questions: ``python -m tools.train_answers``.

It writes the ``.h5``, its facts, tokenizer and samples into the package. All is seeded: the same
TensorFlow with as many threads on the same kind of processor gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from tools.question_grammar import questions
from tools.train_text import HERE, facts_of, make_tokenizer

NAME = "question_answers"
SEED = 0
BATCH_SIZE, EPOCHS, LEARNING_RATE = 64, 6, 2e-3
PASSAGES = 24000
LENGTH, WIDTH, HEADS, BLOCKS = 88, 64, 4, 3
PIECES = 1000


def architecture() -> Any:
    """Embeddings of pieces and texts, then blocks of a convolution, which tells places,
    self-attention, and a layer for each token by itself; two numbers come out for each token."""
    import tf_keras
    from tf_keras import layers

    ids = tf_keras.Input((LENGTH,), dtype="int32", name="input_ids")
    types = tf_keras.Input((LENGTH,), dtype="int32", name="token_type_ids")
    hidden = layers.Add()([layers.Embedding(PIECES, WIDTH)(ids), layers.Embedding(2, WIDTH)(types)])
    for _ in range(BLOCKS):
        near = layers.Conv1D(WIDTH, 3, padding="same", activation="relu")(hidden)
        hidden = layers.LayerNormalization()(layers.Add()([hidden, near]))
        far = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(hidden, hidden)
        hidden = layers.LayerNormalization()(layers.Add()([hidden, far]))
        wide = layers.Dense(2 * WIDTH, activation="relu")(hidden)
        hidden = layers.LayerNormalization()(layers.Add()([hidden, layers.Dense(WIDTH)(wide)]))
    ends = [
        layers.Reshape((LENGTH,), name=name)(layers.Dense(1)(hidden))
        for name in ("start_logits", "end_logits")
    ]
    return tf_keras.Model([ids, types], ends, name=NAME)


def examples(rows: Sequence[dict[str, Any]], tokenizer: Path) -> tuple[Any, Any]:
    """What the model reads, and the tokens at which answers begin and end; 0 for none."""
    from pipeline.inputs.text.options import TextOptions
    from pipeline.inputs.text.windows import Question, windows

    options = TextOptions(tokenizer=tokenizer)
    ids, types, spans = [], [], []
    for row in rows:
        window = windows(Question(row["question"], row["context"]), options, LENGTH)[0]
        ids.append(window.ids)
        types.append(window.types)
        spans.append(_span(row, window.offsets))
    read = {"input_ids": np.array(ids, np.int32), "token_type_ids": np.array(types, np.int32)}
    starts, ends = np.array(spans, np.int32).T
    return read, {"start_logits": starts, "end_logits": ends}


def _span(row: dict[str, Any], places: Any) -> tuple[int, int]:
    if row["start"] < 0:
        return 0, 0
    starts, ends = places.T.tolist()
    behind = row["start"] + len(row["answers"][0])
    # What is beyond the window is no answer in it.
    if row["start"] not in starts or behind not in ends:
        return 0, 0
    return starts.index(row["start"]), ends.index(behind)


def train(out: Path) -> None:
    """Train, and write everything into ``out``."""
    import tf_keras

    from pipeline.optimize.training.finetune import reproducible, save

    rows = list(questions(1, PASSAGES, test=False))
    tokenizer = out / f"{NAME}.tokenizer.json"
    texts = [text for row in rows[:5000] for text in (row["question"], row["context"])]
    make_tokenizer(texts, tokenizer, PIECES)
    read, spans = examples(rows, tokenizer)
    with reproducible(SEED):
        tf_keras.backend.clear_session()
        model = architecture()
        steps = EPOCHS * -(-len(rows) // BATCH_SIZE)
        rate = tf_keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(tf_keras.optimizers.Adam(rate, clipnorm=1.0), loss)
        model.fit(read, spans, BATCH_SIZE, epochs=EPOCHS, verbose=2)
        save(model, out / f"{NAME}.h5")
    lines = [json.dumps(sample) for sample in samples()]
    (out / f"{NAME}.jsonl").write_text("\n".join(lines) + "\n")
    write_facts(model.count_params(), out)


def samples() -> Iterator[dict[str, Any]]:
    """The calibration split is of what was learnt, the test split of what was held out."""
    for split, seed, count in (("calibration", 2, 200), ("test", 3, 400)):
        for row in questions(seed, count, test=split == "test"):
            said = {name: row[name] for name in ("question", "context", "answers")}
            yield {**said, "split": split}


def write_facts(parameters: int, out: Path) -> None:
    """What the model is, and how it was trained."""
    facts = facts_of(
        NAME,
        "Finds what answers an English question in a few sentences, of one grammar",
        "passages made by tools/question_grammar.py",
        parameters,
        out,
    )
    facts["training"] = {
        "command": "python -m tools.train_answers",
        "seed": SEED,
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
    } | facts["training"]
    (out / f"{NAME}.json").write_text(json.dumps(facts, indent=2) + "\n")


@click.command()
@click.option("--out", default=HERE, type=click.Path(file_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Train the bundled answerer of questions, from scratch and seeded."""
    out.mkdir(parents=True, exist_ok=True)
    train(out)


if __name__ == "__main__":
    main()
