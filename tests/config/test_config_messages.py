"""Whatever is wrong with a config: our words, the file and the line, and never a traceback.

Some hundreds of configs, each with one to three mutations: the same ones in every run.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from nightly import nightly

from pipeline.base.errors import ConfigError
from pipeline.build.batch import plan_configs

GOOD = """\
name: digits
task: image-classification
license: Apache-2.0
source: {bundled: mobilenet_digits}
samples: {bundled: digits}
input: {image: {size: [64, 64], color: rgb, scale: [-1, 1]}}
labels: [zero, one, two, three, four, five, six, seven, eight, nine]
variants:
  fp32: {}
  uint8: {quantize: uint8}
  int8: {quantize: {to: int8, granularity: per-channel, calibrate: 32}}
  sparse: {prune: {sparsity: 0.5}, quantize: {to: uint8, levels: 100}}
  best: {search: {minimize: wire_bytes, keep: {cosine: 0.9}, minutes: 1}}
export:
  tfjs-graph: {shard_bytes: 1MiB}
  tfjs-layers: {variants: [fp32]}
  onnx: {opset: 17}
validate:
  backends: [onnxruntime-cpu, tfjs-wasm]
  gates:
    fp32: {max_abs_error: 1.0e-4}
    default: {relative_error: 0.5, latency_ratio: 3}
publish: {to: cdn, channel: latest}
"""

PLAIN = yaml.safe_load(GOOD)

#: What only libraries say.
FOREIGN = re.compile(
    r"pydantic|discriminator|input should|valid (string|integer|number|dictionary|boolean|list)"
    r"|validation error|yaml\.|constructor|errno|Traceback|object has no|NoneType|codec|<class"
    r"|block end|flow sequence|mapping values|unhashable|invalid literal|str type|null byte",
    re.IGNORECASE,
)
VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        3,
        1.5,
        1e300,
        float("nan"),
        float("inf"),
        10**30,
        "",
        "x",
        "uint8",
        "é" * 90,
    ),
    *("../..", "a b", "5", "1MiB", "\x85", "nul\u2028", [], [[]], ["x"], [1, 2, 3], [None], {}),
    *(
        {"to": "uint8"},
        {"to": 3},
        {"to": None},
        {"x": {"y": [{}]}},
        {1: 2},
        {True: 1},
        {"levels": []},
    ),
]

Mutation = Callable[[random.Random, Any], None]


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every mapping or list within, with each of its keys."""
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    inner = [
        place for key in keys if isinstance(data[key], (dict, list)) for place in places(data[key])
    ]
    return [(data, key) for key in keys] + inner


def other_value(chance: random.Random, data: Any) -> None:
    inside, key = chance.choice(places(data))
    inside[key] = deepcopy(chance.choice(VALUES))


def no_value(chance: random.Random, data: Any) -> None:
    inside, key = chance.choice(places(data))
    del inside[key]


def other_key(chance: random.Random, data: Any) -> None:
    inside, key = chance.choice([place for place in places(data) if isinstance(place[0], dict)])
    inside[chance.choice([f"{key}x", "quantize", 7, "on", "é", "", str(key)[1:]])] = inside.pop(key)


def moved(chance: random.Random, data: Any) -> None:
    (inside, key), (other, place) = chance.choices(places(data), k=2)
    other[place] = deepcopy(inside[key])


def config(seed: int) -> str:
    """A config with what a person, or an attacker, might do to it."""
    chance = random.Random(seed)
    data = deepcopy(PLAIN)
    for _ in range(chance.randint(1, 3)):
        if places(data):
            chance.choice([other_value, other_value, no_value, other_key, moved])(chance, data)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    return text if seed % 3 else noise(chance, text)


def noise(chance: random.Random, text: str) -> str:
    """A text with some characters more, less or in place of others."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text))
        more = chance.choice(
            [*"[]{}:-&*!|>%@\"'#,\t\n ?~", "<<: ", "!!set ", "\x00", "- - - ", "\ufffe"]
        )
        text = text[:at] + more + text[at + chance.randint(0, 2) :]
    return text


def check(message: str, path: Path) -> None:
    """Ours, short, and with a place."""
    assert not FOREIGN.search(message), message
    lines = [line for line in message.splitlines() if not line.startswith("  ")]
    assert len(message.splitlines()) <= 2 * len(lines), message
    for line in lines:
        assert re.match(rf"{re.escape(str(path))}:\d+: ", line), message


@pytest.mark.parametrize("block", [*range(3), *map(nightly, range(3, 6))])
def test_every_message_is_ours_and_names_its_line(tmp_path: Path, block: int) -> None:
    path = tmp_path / "x.yaml"
    refused = 0
    for seed in range(block * 50, block * 50 + 50):
        path.write_text(config(seed), encoding="utf-8")
        try:
            plan_configs([path])
        except ConfigError as error:
            refused += 1
            assert error.exit_code == 2
            check(str(error), path)
    assert refused > 25


PIECES = [
    *"[]{}.=\"'& \t!",
    "variants",
    "uint8",
    "quantize",
    "levels",
    "to",
    "name",
    "x",
    "1",
    "\x00",
]


def test_every_message_of_an_override_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(GOOD)
    chance = random.Random(0)
    for _ in range(200):
        inside, key = (
            chance.choice(["variants.uint8", "input", "name", "labels", "export"]),
            "x",
        )
        key = "".join(chance.choices(PIECES, k=chance.randint(1, 3)))
        value = chance.choice([*map(str, VALUES), "".join(chance.choices(PIECES, k=3))])
        try:
            plan_configs([path], [f"{inside}.{key}={value}"])
        except ConfigError as error:
            assert not FOREIGN.search(str(error)), error
            assert re.match(rf"(--set {inside}|{re.escape(str(path))}:\d+: )", str(error)), error
