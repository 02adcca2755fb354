"""Shards follow the layers: what one layer changes, no other layer's shard shows."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pipeline.weights.sharding import LEAST_BYTES, Tensor, is_kernel, shards

MIB = 2**20


def network(*kilobytes: int, head: int = 10) -> list[Tensor]:
    """Layers of a kernel of so many KB and a bias, then a head of so many classes."""
    sizes = [*enumerate(kilobytes), ("head", head)]
    return [
        tensor
        for name, size in sizes
        for tensor in (
            Tensor(f"block_{name}/kernel", size * 1024, kernel=True),
            Tensor(f"block_{name}/bias", 64, kernel=False),
        )
    ]


def named(tensors: list[Tensor], shard_bytes: int = 4 * MIB) -> list[tuple[str, ...]]:
    return [tuple(tensors[i].name for i in shard) for shard in shards(tensors, shard_bytes)]


BODY = [90, 10, 400, 30, 700, 20, 60, 300, 150, 40, 220, 80] * 5


def test_every_tensor_is_in_one_shard_and_in_order() -> None:
    tensors = network(*BODY)
    assert [name for shard in named(tensors) for name in shard] == [t.name for t in tensors]


def test_a_layer_is_not_torn_apart_and_the_last_ones_are_alone() -> None:
    found = named(network(*BODY))
    assert all(shard[0].endswith("kernel") and shard[-1].endswith("bias") for shard in found)
    last = [(f"block_{name}/kernel", f"block_{name}/bias") for name in (len(BODY) - 1, "head")]
    assert found[-2:] == last


def test_requests_are_few() -> None:
    small = network(*(size // 40 for size in BODY))
    total = sum(tensor.bytes for tensor in small)
    assert len(named(small)) <= 3 + 2 * total / LEAST_BYTES
    assert len(named(network(*BODY))) <= 3 + 2 * sum(BODY) / 256


@pytest.mark.parametrize("classes", [1, 11, 1000, 9000])
def test_other_classes_change_the_heads_shard_alone(classes: int) -> None:
    body, other = named(network(*BODY)), named(network(*BODY, head=classes))
    assert other[: len(body) - 1] == body[:-1]


def test_a_layer_that_grows_moves_no_other_cut() -> None:
    grown = [*BODY]
    grown[7] += 333
    before, after = named(network(*BODY)), named(network(*grown))
    other = [shard for shard in after if shard not in before]
    assert all("block_7/kernel" in shard or "block_8/kernel" in shard for shard in other)


def test_what_is_put_in_moves_no_other_cut() -> None:
    tensors = network(*BODY)
    more = [*tensors[:20], Tensor("adapter/kernel", 50_000, kernel=True), *tensors[20:]]
    other = set(named(more)) - set(named(tensors))
    beside = {tensors[18].name, tensors[20].name, "adapter/kernel"}
    assert other and all(beside & set(shard) for shard in other)


@pytest.mark.parametrize("shard_bytes", [1024, 100_000, MIB])
def test_no_shard_is_larger_than_it_may_be(shard_bytes: int) -> None:
    tensors = network(*BODY)
    for shard in shards(tensors, shard_bytes):
        size = sum(tensors[i].bytes for i in shard)
        assert size <= shard_bytes or len(shard) == 1


def test_small_models_and_none() -> None:
    assert named([]) == []
    assert named([Tensor("x", 4, kernel=False)]) == [("x",)]
    head_only = network()
    assert named(head_only) == [("block_head/kernel", "block_head/bias")]
    assert list(pairwise(named(network(1)))) == [
        (("block_0/kernel", "block_0/bias"), ("block_head/kernel", "block_head/bias"))
    ]


def test_kernels() -> None:
    assert all(map(is_kernel, [(3, 3, 1, 8), (256, 1), (1, 1, 256, 10), (1, 5)]))
    assert not any(map(is_kernel, [(), (8,), (1, 8, 1, 1), (1, 1, 8)]))
