from __future__ import annotations

from pipeline.optimize.contract import techniques as known_techniques
from pipeline.validate.tolerances import TOLERANCES, WIDEST, number_formats, tolerance

NATIVE = "onnxruntime-cpu"


def formats(*techniques: str) -> tuple[str, ...]:
    return number_formats(known_techniques()[name] for name in techniques)


def test_a_variants_techniques_decide_its_number_formats() -> None:
    assert formats() == ("float32",)
    assert formats("float16") == ("float16",)
    assert formats("prune", "uint8") == ("trained", "uint8")


def test_every_technique_has_a_tolerance() -> None:
    for name in known_techniques():
        assert set(formats(name)) <= set(TOLERANCES), f"give {name} one, with its reason"


def test_the_widest_of_a_chain_counts() -> None:
    both = tolerance(("trained", "float16"), NATIVE)
    assert both == max(TOLERANCES["trained"], TOLERANCES["float16"])


def test_fewer_bits_may_differ_more_and_none_may_ignore_its_input() -> None:
    order = ["float32", "uint16", "float16", "uint8", "int8"]
    found = [tolerance((name,), NATIVE) for name in order]
    assert found == sorted(found)
    # A model that gives its mean answer to every sample has a relative error of 1.
    assert tolerance(("a format of tomorrow",), NATIVE) == WIDEST < 1


def test_float16_textures_round_whatever_the_weights_are() -> None:
    assert tolerance(("float32",), "tfjs-webgl-f16") == TOLERANCES["float16"]
    assert tolerance(("uint8",), "tfjs-webgl-f16") == TOLERANCES["uint8"]
