"""Clustering leaves a layer few values, in what is published too, and keeps pruning's zeros."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trainable

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.graphs.keras.fold import kernel_of, linear_layers, output_axes
from pipeline.optimize import cluster, uint8

OPTIONS = cluster.Options(
    clusters=6, smallest_kernel=256, finetune_epochs=8, batch_size=20, label_share=0
)

CLUSTERED = {"first", "kept", "dense", "logits"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``source`` and ``samples``; and ``clusters``, the source clustered."""
    root = tmp_path_factory.mktemp("cluster")
    run(trainable.write(root, trainable.trained(sparse="dense")), root, "clusters")
    return root


def run(inputs: dict[str, Path], root: Path, name: str, options: cluster.Options = OPTIONS) -> Path:
    (root / name).mkdir()
    cluster.apply(inputs, options, root / name)
    return root / name


def layers(path: Path) -> dict[str, Any]:
    return {layer.name: layer for layer in linear_layers(trainable.load(path))}


def test_a_layers_weights_are_few_numbers_times_their_channels_step(root: Path) -> None:
    for name, layer in layers(root / "clusters").items():
        kernel = kernel_of(layer).numpy()
        data = uint8.encode(kernel, output_axes(layer)[0]).data
        _, counts = np.unique(data, return_counts=True)
        if name in CLUSTERED:
            # As many again where a batch norm's factor is negative; and a channel whose numbers
            # have a divisor is stored without it.
            assert np.sort(counts)[-12:].sum() > 0.75 * kernel.size, name
        else:
            assert len(counts) > 60, name


def test_zeros_of_pruning_stay(root: Path) -> None:
    before, after = (layers(root / name)["dense"].kernel.numpy() for name in ("source", "clusters"))
    assert 0.3 < (before == 0).mean() < 0.7
    assert (after[before == 0] == 0).all()
    assert (after[before != 0] != 0).mean() > 0.5


def test_it_still_finds_what_the_source_finds(root: Path) -> None:
    inputs, labels = trainable.images(400, 9)
    right = [
        float((trainable.load(root / name)(inputs).numpy().argmax(1) == labels).mean())
        for name in ("source", "clusters")
    ]
    assert right[0] > 0.6
    assert right[1] > right[0] - 0.06


def test_it_tells_how_many_bits_a_weight_needs(root: Path) -> None:
    told = json.loads((root / "clusters" / "cluster.json").read_text())
    assert set(told["layers"]) == CLUSTERED
    assert all(0 < bits <= np.log2(6) for bits in told["layers"].values())
    assert told["kept_epoch"]["loss"] >= 0


@pytest.mark.nightly  # one process gives them: test_qat.py; another one: test_prune.py
def test_the_same_bytes_twice(root: Path) -> None:
    again = run(trainable.given(root), root, "again")
    for name in ("model.h5", "cluster.json", "source.json"):
        assert (again / name).read_bytes() == (root / "clusters" / name).read_bytes(), name


@pytest.mark.nightly  # they differ in the word that the library is told
@pytest.mark.parametrize("init", ["density", "linear", "random"])
def test_clusters_may_begin_elsewhere(root: Path, init: str) -> None:
    options = OPTIONS.model_copy(update={"init": init, "finetune_epochs": 1})
    work = run(trainable.given(root), root, init, options)
    assert set(json.loads((work / "cluster.json").read_text())["layers"]) == CLUSTERED


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"skip": ["nowhere"]}, ConfigError, r"cluster\.skip: the model has no layer nowhere"),
        ({"smallest_kernel": 99999}, PipelineError, "no convolution or dense layer of 99999"),
    ],
)
def test_what_cannot_be_done_is_said(
    root: Path, tmp_path: Path, options: dict[str, Any], kind: type[PipelineError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(trainable.given(root), tmp_path, "not", OPTIONS.model_copy(update=options))


def test_a_bare_number_is_the_clusters() -> None:
    assert cluster.Options.model_validate(8) == cluster.Options(clusters=8)
