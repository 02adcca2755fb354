from __future__ import annotations

import pytest

from pipeline.backends.failures import of_runtime


@pytest.mark.parametrize(
    "said",
    [
        "Cannot read properties of undefined (reading 'backend')",
        "TypeError: Cannot read properties of undefined (reading 'backend')",
        "x.shape is not iterable",
        "memory access out of bounds",
        "Aborted(). Build with -sASSERTIONS for more info.",
    ],
)
def test_what_only_says_that_the_runtime_broke_leads_to_the_node(said: str) -> None:
    error = of_runtime(said)
    bare = said.removeprefix("TypeError: ")
    assert error.what == f"the runtime broke down, and does not say at which operator ({bare})"
    assert error.todo.startswith("run `pipeline bisect` to find the node")


def test_a_product_of_integers_is_named_with_a_way_out() -> None:
    error = of_runtime("BatchMatMul for non non-float32 tensors not yet supported.")
    assert error.what == "TF.js' wasm backend has MatMul for float32 only"
    assert error.todo.startswith("cast its inputs to float32")
