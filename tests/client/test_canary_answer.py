"""The client reads a canary as the pipeline wrote it, and takes no wrong answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from client_fixtures import Site
from client_page import ScriptPage

from pipeline.tensors.signature import TensorSpec
from pipeline.validate.canary import decode, encode

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

DECODE = """
const { decode } = await import(`${args.client}/runtimes/canary.js`);
return args.inputs.map((one) => {
  const { dtype, shape, data } = decode(one);
  return { dtype, shape, kind: data.constructor.name, data: Array.from(data, Number) };
});
"""

WRONG = """
const { wrong } = await import(`${args.client}/runtimes/canary.js`);
const right = { outputs: { y: { indices: [0, 3], values: [0.25, 0.75] } }, tolerance: 0.01 };
const answers = [[0.25, 9, 9, 0.75], [0.254, 9, 9, 0.746], [0.25, 9, 9, 0.74], [NaN, 9, 9, 0.75],
                 [0.25, 9, 9, Infinity], [0.25]];
return answers.map((data) => wrong({ y: { data: Float32Array.from(data) } }, right));
"""


def test_inputs_are_what_the_pipeline_decodes(page: ScriptPage, site: Site) -> None:
    random = np.random.default_rng(3)
    samples: dict[str, tuple[Any, str]] = {
        "image": (random.normal(size=(37, 50, 3)).astype("float32"), "Float32Array"),
        "bytes": (random.integers(0, 256, (9, 7), "uint8"), "Uint8Array"),
        "tokens": (random.integers(0, 30_000, (64,), "int32"), "Int32Array"),
        "long": (random.integers(-9, 9, (12,), "int64"), "BigInt64Array"),
        "flags": (random.integers(0, 2, (5,)).astype(bool), "Uint8Array"),
        "double": (random.normal(size=(4, 4)), "Float64Array"),
    }
    inputs = [
        encode(sample, TensorSpec(name, sample.dtype.name, (None, *sample.shape)))
        for name, (sample, _) in samples.items()
    ]
    found = page.run(DECODE, client=site.sources, inputs=inputs)
    for one, encoded, (_, kind) in zip(found, inputs, samples.values(), strict=True):
        right = decode(encoded)
        assert (one["dtype"], tuple(one["shape"]), one["kind"]) == (
            right.dtype.name,
            right.shape,
            kind,
        )
        np.testing.assert_allclose(one["data"], right.ravel().astype(float), rtol=1e-6)


def test_only_right_answers_pass(page: ScriptPage, site: Site) -> None:
    found = page.run(WRONG, client=site.sources)
    assert found[:2] == [None, None]
    assert found[2].startswith("y[3] is 0.74")
    assert found[3] == "y[0] is NaN where 0.25 is right"
    assert found[4] == "y[3] is Infinity where 0.75 is right"
    assert found[5] == "y[3] is undefined where 0.75 is right"
