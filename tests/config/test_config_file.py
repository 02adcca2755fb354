from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config

GOOD = """\
name: digits
license: Apache-2.0
source:
  bundled: mobilenet_digits
samples: {bundled: digits}
input: {image: {size: [64, 64], scale: [-1, 1]}}
variants:
  fp32: {}
  uint8: {quantize: uint8}
  int8: {quantize: {to: int8, calibrate: 32}}
export:
  tfjs-graph: {shard_bytes: 1MiB}
  onnx:
validate:
  gates:
    fp32: {max_abs_error: 1e-4}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(text)
    return path


def errors(folder: Path, text: str, *overrides: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{path}:", "").splitlines()


def test_a_config_becomes_typed_and_frozen(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.source.kind == "bundled"
    formats = {known.name: options for known, options in config.export.formats()}
    assert formats["tfjs-graph"].shard_bytes == 2**20
    assert formats["onnx"].opset is None
    ((int8, options),) = config.variants["int8"].techniques()
    assert (int8.stage, options.calibrate) == ("graph", 32)
    assert config.validate_.gates["fp32"]["max_abs_error"] == 1e-4
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"


def test_shorthand_and_mapping_mean_the_same(tmp_path: Path) -> None:
    long = GOOD.replace("{quantize: uint8}", "{quantize: {to: uint8}}")
    assert load_config(write(tmp_path, GOOD)) == load_config(write(tmp_path, long))


def test_every_error_comes_at_once_with_its_line(tmp_path: Path) -> None:
    text = (
        GOOD.replace("license: Apache-2.0\n", "licence: Apache-2.0\n")
        .replace("{quantize: uint8}", "{quantize: unit8}")
        .replace("1MiB", "one")
        .replace("  gates:", "  gates:\n    fp23: {}")
    )
    assert errors(tmp_path, text) == [
        '1: needs the key "license"',
        '2: licence is not a key here; did you mean "license"?',
        '9: variants.uint8.quantize is "unit8"; did you mean "uint8"?',
        '12: export.tfjs-graph.shard_bytes: "one" is no size; write a number of bytes or, say, '
        "4MiB",
        '16: validate.gates.fp23 names nothing; did you mean "fp32"?',
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("quantize: uint8", "quantise: uint8"), '9: variants.uint8.quantise is not a key here; '
         'did you mean "quantize"?'),
        (("calibrate: 32", "calibrate: many"), "10: variants.int8.quantize.calibrate must be a "
         'whole number (it is "many")'),
        (("1MiB", "30MiB"), "12: export.tfjs-graph.shard_bytes: hosts such as Cloudflare Pages "
         "take no file over 25MiB; write 25MiB or less"),
        (("  onnx:\n", "  onnx: {variants: [fp3]}\n"), '13: export.onnx.variants.0 is "fp3", no '
         'variant; did you mean "fp32"?'),
        (("  gates:", "  backends: [tfjs-wsam]\n  gates:"), '15: validate.backends.0 is '
         '"tfjs-wsam"; did you mean "tfjs-wasm"?'),
        (("  bundled: mobilenet_digits", "  {}"), "3: source: name exactly one kind of: "),
        (("name: digits", "name: ../digits"), "1: name must be made of a to z, "),
        (("name: digits", "name: runtimes"), "1: name: runtimes is a file or folder of the CDN's"),
        (("name: digits", "name: index.json"), "1: name: index.json is a file or folder of the"),
        (("source:\n  bundled: mobilenet_digits", "source:\n  keras_file: gone.h5"),
         "4: source.keras_file.path: there is no "),
    ],
)  # fmt: skip
def test_messages(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    (line,) = errors(tmp_path, GOOD.replace(*change))
    assert line.startswith(message)


def test_overrides_replace_and_are_named_in_errors(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    config = load_config(path, ["variants.uint8.quantize=uint16", "publish.channel=stable"])
    ((technique, _),) = config.variants["uint8"].techniques()
    assert technique.name == "uint16"
    assert config.publish.channel == "stable"
    assert errors(tmp_path, GOOD, "variants.uint8.quantize=uint9") == [
        '--set variants.uint8.quantize: variants.uint8.quantize is "uint9"; did you mean "uint8"?'
    ]
    searched = "variants.uint8={search: {minimize: latency, on: tfjs-wasm}}"
    search = load_config(path, [searched]).variants["uint8"].search
    assert search is not None and search.on == "tfjs-wasm", "words are words, as in the file"
    assert errors(tmp_path, GOOD, "nonsense") == ["--set nonsense: is not KEY=VALUE"]
    line, _ = errors(tmp_path, GOOD, "name.x=1")
    assert line.startswith('--set name: holds "digits", which has no keys')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", '2: is not YAML: "name" stands twice'),
        ("name: [a\n", "2: is not YAML: "),
        ("- a\n", "1: must be a mapping of keys to values"),
        ("", '1: needs the key "name"'),
        ("a: !!python/object/apply:os.system [id]\n", "1: is not YAML: tags such as !!python"),
        ("a: " + "[" * 300_000, "1: is not YAML: lists and mappings lie in one another more"),
        ("name: a: b\n", '1: is not YAML: a ":" too many'),
        ("name: 'a\n", "2: is not YAML: quotes or brackets are not closed"),
        ("name: @a\n", "1: is not YAML: text that begins with this character"),
        ("? [a]\n: b\n", "1: is not YAML: a key is a list or a mapping"),
        ("a: *b\n", "1: is not YAML: an alias (*name) has no anchor"),
        ("a: 1\n b: 2\n", "2: is not YAML: "),
        ("\na: \x01\n", "2: holds the character U+0001"),
        ("\na: " + "9" * 5000, "2: is not YAML: a number has more digits"),
        ("a: 1\n---\nb: 2\n", "2: is not YAML: there is more than one document"),
    ],
)
def test_files_that_are_no_config(tmp_path: Path, text: str, message: str) -> None:
    assert errors(tmp_path, text)[0].startswith(message)


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"name: a\nlicense: \xff\n")
    with pytest.raises(ConfigError, match=r"x.yaml:2: is not text in UTF-8$"):
        load_config(path)


@pytest.mark.parametrize(
    ("assignment", "options"),
    [
        ("variants.uint8.quantize.levels=100", {"levels": 100}),
        ("variants.uint8.prune.finetune_epochs=3", {"finetune_epochs": 3}),
    ],
)
def test_what_is_set_inside_of_a_short_spelling_is_set_beside_it(
    tmp_path: Path, assignment: str, options: dict[str, int]
) -> None:
    text = GOOD.replace("{quantize: uint8}", "{quantize: uint8, prune: 0.5}")
    config = load_config(write(tmp_path, text), [assignment])
    chosen = {known.name: own for known, own in config.variants["uint8"].techniques()}
    assert set(chosen) == {"uint8", "prune"}
    assert chosen["prune"].sparsity == 0.5
    told = [o.model_dump() for o in chosen.values()]
    assert any(options.items() <= one.items() for one in told)


def test_a_key_of_another_technique_is_not_suggested(tmp_path: Path) -> None:
    (line,) = errors(tmp_path, GOOD, "variants.int8.quantize.level=100")
    assert line.startswith(
        "--set variants.int8.quantize.level: variants.int8.quantize.level is not a key here"
    )
    assert "levels" not in line and "granularity" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{quantize: uint8}", "{quantize: {levels: 9}}"),
         "9: variants.uint8.quantize needs one of "),
        (("{quantize: uint8}", "{quantize: [uint8]}"), "9: variants.uint8.quantize needs one of "),
        (("{quantize: uint8}", "{quantize: 8}"), "9: variants.uint8.quantize is 8; known are "),
        (("{quantize: uint8}", "{quantize: {to: uint8, levels: 1.5}}"),
         "9: variants.uint8.quantize.levels must be a whole number (it is 1.5)"),
        (("[64, 64]", "[64]"), "6: input.image.size needs at least 2 entries"),
        (("[64, 64]", "[0, 64]"), "6: input.image.size.0 must be at least 1 (it is 0)"),
        (("[-1, 1]", "wide"), '6: input.image.scale must be a list, as in [a, b] (it is "wide")'),
        (("Apache-2.0", "''"), '2: license must not be empty (it is "")'),
        (("  fp32: {}\n  uint8", "  FP32: {}\n  uint8"), "8: variants.FP32 must be made of a "),
        (("name: digits", "name: 2026-01-02\ntask: [a]"), "2: task needs one of "),
    ],
)  # fmt: skip
def test_no_message_speaks_of_the_parsers_insides(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in GOOD
    lines = errors(tmp_path, GOOD.replace(*change))
    assert any(line.startswith(message) for line in lines), lines


def test_what_configs_said_of_images_before_is_told_anew(tmp_path: Path) -> None:
    said = "input: {image: {size: [64, 64], scale: [-1, 1]}}"
    old = "preprocess: {resize: [64, 64], scale: [-1, 1]}"
    message = f"6: preprocess is no key any more; write {said} in its place"
    assert said in GOOD
    assert errors(tmp_path, GOOD.replace(said, old)) == [message]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "pytorch: net.pth",
            "where the model is, in Python: model.eval()|torch.onnx.export(model, (example,), "
            '"net.onnx", input_names=["x"], output_names=["y"])',
        ),
        (
            "pytorch: {file: a/net.pt2}",
            'where it comes from, in Python: program = torch.export.load("a/net.pt2")|'
            'torch.onnx.export(program, f="net.onnx")',
        ),
        (
            "url: https://h.example/net.pt2?a=b",
            'where it comes from, in Python: program = torch.export.load("net.pt2")|'
            'torch.onnx.export(program, f="net.onnx")',
        ),
    ],
)
def test_a_file_of_pytorch_is_refused_with_what_makes_an_onnx_one(
    tmp_path: Path, source: str, lines: str
) -> None:
    config = re.sub("source:.*(\n  .*)*", f"source: {{{source}}}", GOOD)
    assert config != GOOD
    (told,) = errors(tmp_path, config)
    first, *rest = told.split("; ")
    assert re.search(r"source\.(pytorch|url).*net\.pt(h|2) is a (file|program) of PyTorch", first)
    assert rest == [*lines.split("|"), "then: write source: {onnx: net.onnx}"]


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert "nested aliases" in errors(tmp_path, bomb)[0]


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"there is no such config\n.*did you mean .*x.yaml"):
        load_config(tmp_path / "xx.yaml")


def test_paths_are_read_from_the_configs_folder(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"")
    text = GOOD.replace("bundled: mobilenet_digits", "keras_file: model.h5")
    config = load_config(write(tmp_path, text))
    assert config.source.options.local_paths() == {"path": tmp_path / "model.h5"}


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("int8 tfjs-wsam", "int8 tfjs-wasm"),
        ("itn8 tfjs-wasm", "int8 tfjs-wasm"),
        ("tfjs-webgl@chormium", "tfjs-webgl@chromium"),
        ("onnx/int8 onnxruntime-cpus", "onnx/int8 onnxruntime-cpu"),
    ],
)
def test_a_gates_key_that_names_no_place_is_an_error(
    tmp_path: Path, key: str, suggestion: str
) -> None:
    text = GOOD.replace("  gates:", f"  gates:\n    {key}: {{cosine: 0.9}}")
    (message,) = errors(tmp_path, text)
    assert message == f'16: validate.gates.{key} names nothing; did you mean "{suggestion}"?'


@pytest.mark.parametrize("key", ["tfjs-webgl", "fp32 tfjs-webgl@chromium", "default tfjs-wasm"])
def test_a_gate_may_name_where_it_holds(tmp_path: Path, key: str) -> None:
    text = GOOD.replace("  gates:", f"  gates:\n    {key}: {{cosine: 0.9}}")
    assert load_config(write(tmp_path, text)).validate_.gates[key] == {"cosine": 0.9}
