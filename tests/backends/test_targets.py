"""Targets: the names that a config may use, and what they mean."""

from __future__ import annotations

import pytest

from pipeline.backends import targets


def ids(*names: str) -> list[str]:
    return [target.id for target in targets.parse(names)]


def test_a_browser_backend_runs_in_chromium_unless_another_engine_is_named() -> None:
    assert ids("onnxruntime-cpu", "tfjs-wasm") == ["onnxruntime-cpu", "tfjs-wasm@chromium"]
    assert ids("tfjs-wasm", "tfjs-wasm@chromium") == ["tfjs-wasm@chromium"]


def test_what_is_named_is_required_and_what_all_adds_is_not() -> None:
    assert all(target.required for target in targets.parse(["onnxruntime-cpu", "tfjs-wasm"]))
    required = {t.id: t.required for t in targets.parse(["all", "tfjs-wasm"])}
    assert required["tfjs-wasm@chromium"]
    assert not required["onnxruntime-cpu"]


def test_all_is_every_backend_in_every_engine_that_can_have_it() -> None:
    every = {target.id for target in targets.list_targets() if not target.definition.extra}
    assert set(ids("all")) == every
    assert {"onnxruntime-cpu", "tfjs-wasm@chromium", "tfjs-webgl@chromium"} <= every


def test_every_spelling_that_editors_offer_is_right() -> None:
    for name in targets.names():
        assert targets.problem(name) is None
        assert ids(name)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tfjs-wsm", '; did you mean "tfjs-wasm"?'),
        ("tfjs-wsm@chromium", '; did you mean "tfjs-wasm@chromium"?'),
        ("tfjs-wasm@chromum", '; did you mean "tfjs-wasm@chromium"?'),
        ("onnxruntime-cpu@chromium", ", but onnxruntime-cpu needs no browser; write onnxruntime-c"),
        ("al", '; did you mean "all"?'),
        ("zzz", "; known are "),
        ("tfjs-wasm@zzz", "; known are tfjs-wasm@chromium"),
    ],
)
def test_wrong_names_are_told_what_would_be_right(name: str, wrong: str) -> None:
    assert (targets.problem(name) or "").startswith(wrong)
