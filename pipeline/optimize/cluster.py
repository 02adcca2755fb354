"""Weight clustering: each layer's weights share a few values, found while the model is trained.

Han et al. 2016, "Deep Compression" (arXiv:1510.00149). Centroids and their training are TensorFlow
Model Optimization's. The centroids are then rounded to a grid of 255 levels, which costs
nothing that can be measured, so that a weight's byte still says which one it is after batch norms
were folded (see ``settle``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.engine.step import progress, step
from pipeline.optimize.contract import ModelInputs, Technique
from pipeline.optimize.training.teaching import Training
from pipeline.tensors.arrays import np

NAME = "cluster"


#: Written beside the model: what later techniques must leave as it is.
DESCRIPTION = f"{NAME}.json"

#: Numbers that centroids are rounded to, on either side of zero.
REACH = 127


class Options(Training):
    """Let weights share a few values, fine-tuning them meanwhile so that accuracy is kept."""

    shorthand: ClassVar[str | None] = "clusters"

    clusters: Annotated[int, Field(ge=3, le=256)] = 16
    """How many values the kernel of a layer has."""

    init: Literal["kmeans++", "linear", "density", "random"] = "kmeans++"
    """Where the values begin: at the weights' own clusters, evenly from the least to the greatest,
    at evenly many weights each, or anywhere."""

    smallest_kernel: Annotated[int, Field(ge=1)] = 1024
    """Layers with fewer weights keep them all: they save few bytes and cost much accuracy."""

    scale_bits: Annotated[int, Field(ge=1, le=24)] = 5
    """Significant bits of the factor that folding a batch norm gives each channel."""

    skip: list[str] = Field(default=[])
    """Names of further layers to leave as they are."""


@step(
    version=4,
    lane="tensorflow",
    tools=("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy"),
)
def apply(inputs: ModelInputs, options: Options, work: Path) -> None:
    """Cluster a Keras model with the calibration samples (labels, a teacher, or both).

    Writes a SOURCE folder with
    ``model.h5``, without the batch norms that could be folded, and ``cluster.json``: bits that a
    weight of each layer needs, by the entropy of its clusters, and the kept epoch's numbers.
    """
    from pipeline.optimize.training import finetune, teaching

    with finetune.reproducible(options.seed):
        model, _ = teaching.keras_model(inputs.source, NAME)
        lesson = teaching.read_lesson(inputs, options, NAME)
        clustered, described = cluster(model, lesson.train, lesson.watch, options)
    teaching.write_result(clustered, described, work, NAME)


def cluster(model: Any, train: Any, watch: Any, options: Options) -> tuple[Any, dict[str, Any]]:
    """Cluster a ``tf_keras.Model`` and fold it; within ``finetune.reproducible``.

    Args:
        model: built, functional or sequential.
        train: ``Examples`` to learn from.
        watch: ``Examples`` to measure on.
        options: how.

    Returns:
        The folded model, and what ``cluster.json`` says.
    """
    import tensorflow_model_optimization as tfmot

    from pipeline.graphs.keras import kernels
    from pipeline.graphs.keras.fold import fold
    from pipeline.optimize.training import finetune

    layers = kernels.require(model, options, NAME)
    names = {layer.name for layer in layers}
    wrapped = _wrap(model, layers, options)
    numbers = finetune.fit(wrapped, train, watch, options.recipe(), report=progress)
    folded, scaled = fold(tfmot.clustering.keras.strip_clustering(wrapped))
    bits = {
        layer.after.name: _settle(layer, options) for layer in scaled if layer.before.name in names
    }
    return folded, {"layers": bits, "kept_epoch": numbers}


def list_clustered(source: SourceFolder) -> set[str]:
    """The names of the layers of a SOURCE folder whose kernels were clustered."""
    path = source.folder / DESCRIPTION
    return set(json.loads(path.read_text())["layers"]) if path.exists() else set()


def _wrap(model: Any, layers: list[Any], options: Options) -> Any:
    """The same layers, sharing their weights, with clusters around those to cluster."""
    import tensorflow_model_optimization as tfmot

    from pipeline.graphs.keras import kernels

    kinds = tfmot.clustering.keras.CentroidInitialization
    init = {
        "kmeans++": kinds.KMEANS_PLUS_PLUS,
        "linear": kinds.LINEAR,
        "density": kinds.DENSITY_BASED,
        "random": kinds.RANDOM,
    }[options.init]

    def wrap(layer: Any) -> Any:
        # Pruning's zeros are a cluster that does not move.
        sparse = bool((layer.kernel.numpy() == 0).any())
        return tfmot.clustering.keras.cluster_weights(
            layer, options.clusters, init, preserve_sparsity=sparse
        )

    return kernels.wrap_layers(model, layers, wrap)


def _settle(layer: Any, options: Options) -> float:
    from pipeline.optimize.training.settle import settle

    kernel = layer.before.kernel.numpy()
    reach = np.abs(kernel).max(keepdims=True)
    step = np.where(reach > 0, reach / REACH, np.float32(1))
    return settle(layer, np.rint(kernel / step), step, options.scale_bits)


TECHNIQUE = Technique(
    name=NAME,
    key="cluster",
    stage="model",
    options=Options,
    step=apply,
    order=40,
    search={"clusters": (16, 8, 32), "finetune_epochs": (4, 12)},
)
