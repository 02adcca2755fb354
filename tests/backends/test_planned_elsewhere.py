from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.backends import elsewhere, machine
from pipeline.backends.elsewhere import TargetFacts, merge, planned_for
from pipeline.backends.targets import parse
from pipeline.config.file import load_config
from pipeline.plan import make_plan

HERE = machine.list_facts()


def facts(target: str, unavailable: str | None = None, build: int = 1) -> TargetFacts:
    return TargetFacts(target, unavailable, {"build": build}, gpu=False)


def test_what_any_machine_has_is_there() -> None:
    lacking, there = facts("a", "no browser"), facts("a")
    assert merge([[lacking], [lacking], [there]]) == {"a": there}
    assert merge([[lacking], [lacking]]) == {"a": lacking}


def test_what_most_machines_have_is_planned_for_whoever_comes_first() -> None:
    one, two = facts("a", build=1), facts("a", build=2)
    assert one.tag != two.tag
    assert merge([[one], [two], [two]]) == merge([[two], [one], [two]]) == {"a": two}
    assert merge([[one], [two]]) == merge([[two], [one]])


def test_facts_travel_as_they_are() -> None:
    """Through Dask's msgpack tuples come as lists, and the tag is the same."""
    import json
    from dataclasses import asdict

    for fact in HERE:
        assert TargetFacts(**json.loads(json.dumps(asdict(fact)))).tag == fact.tag


def plan(backends: str = "all"):
    config = load_config("configs/mobilenet.yaml", [f"validate.backends={backends}"])
    return make_plan(config, browsers=True)


def test_a_plan_is_made_for_other_machines() -> None:
    here = plan()
    assert not any(node.machine for node in here.nodes.values())
    every = [replace(fact, unavailable=None) for fact in HERE]
    with planned_for([every]):
        there = plan()
        tags = {fact.id: fact.tag for fact in every}
        for target in parse(["all"]):
            (proof,) = [n for n in there.nodes if n == f"prove onnx/fp32 {target.id}"] or [None]
            assert target.runs("onnx") == (proof is not None)
            if proof:
                assert there.nodes[proof].machine == (tags[target.id],)
    none = [replace(fact, unavailable="is not there") for fact in HERE]
    with planned_for([none]):
        assert {n for n in plan().nodes if n.startswith("prove ")} == set()
        # What is required is tried all the same, and says why it did not run.
        assert (
            "prove onnx/fp32 ort-wasm@firefox"
            in plan("[tfjs-wasm@firefox, ort-wasm@firefox]").nodes
        )
    assert elsewhere.told("onnxruntime-cpu") is None


@pytest.mark.parametrize("gpu", [True, False])
def test_a_rasterizer_is_expected_where_the_machines_have_no_gpu(gpu: bool) -> None:
    with planned_for([[replace(fact, unavailable=None, gpu=gpu) for fact in HERE]]):
        webgl = next(target for target in parse(["all"]) if target.backend == "tfjs-webgl")
        assert webgl.brief is not gpu
