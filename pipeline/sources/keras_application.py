"""Pulls a model of ``tf_keras.applications`` with its ImageNet weights, or with others."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.digest import file_digest
from pipeline.base.errors import SourceError
from pipeline.base.options import StrictOptions, check_name, resolve
from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import step
from pipeline.sources.contract import LoadedModel, Source
from pipeline.sources.keras.h5_safety import check_h5

_BASE: Final = "https://storage.googleapis.com/tensorflow/keras-applications/"
_KERNELS: Final = "_weights_tf_dim_ordering_tf_kernels.h5"

#: The largest, VGG19, has 575 MB.
_MAX_BYTES: Final = 2**30

_REGNETS: Final = (
    "002",
    "004",
    "006",
    "008",
    "016",
    "032",
    "040",
    "064",
    "080",
    "120",
    "160",
    "320",
)

_FILES: Final[dict[str, tuple[str, int]]] = {
    **{
        f"ConvNeXt{size}": (f"convnext/convnext_{size.lower()}.h5", 224)
        for size in ("Tiny", "Small", "Base", "Large", "XLarge")
    },
    "DenseNet121": (f"densenet/densenet121{_KERNELS}", 224),
    "DenseNet169": (f"densenet/densenet169{_KERNELS}", 224),
    "DenseNet201": (f"densenet/densenet201{_KERNELS}", 224),
    "EfficientNetV2B0": ("efficientnet_v2/efficientnetv2-b0.h5", 224),
    "EfficientNetV2B1": ("efficientnet_v2/efficientnetv2-b1.h5", 240),
    "EfficientNetV2B2": ("efficientnet_v2/efficientnetv2-b2.h5", 260),
    "EfficientNetV2B3": ("efficientnet_v2/efficientnetv2-b3.h5", 300),
    "EfficientNetV2L": ("efficientnet_v2/efficientnetv2-l.h5", 480),
    "EfficientNetV2M": ("efficientnet_v2/efficientnetv2-m.h5", 480),
    "EfficientNetV2S": ("efficientnet_v2/efficientnetv2-s.h5", 384),
    "InceptionResNetV2": (f"inception_resnet_v2/inception_resnet_v2{_KERNELS}", 299),
    "InceptionV3": (f"inception_v3/inception_v3{_KERNELS}", 299),
    "MobileNet": ("mobilenet/mobilenet_{alpha}_{size}_tf.h5", 224),
    "MobileNetV2": (f"mobilenet_v2/mobilenet_v2{_KERNELS[:-3]}_{{alpha}}_{{size}}.h5", 224),
    "MobileNetV3Large": ("mobilenet_v3/weights_mobilenet_v3_large_224_{alpha}_float.h5", 224),
    "MobileNetV3Small": ("mobilenet_v3/weights_mobilenet_v3_small_224_{alpha}_float.h5", 224),
    "NASNetLarge": ("nasnet/NASNet-large.h5", 331),
    "NASNetMobile": ("nasnet/NASNet-mobile.h5", 224),
    **{
        f"RegNet{kind}{size}": (f"regnet/regnet{kind.lower()}{size}.h5", 224)
        for kind in "XY"
        for size in _REGNETS
    },
    "ResNet101": (f"resnet/resnet101{_KERNELS}", 224),
    "ResNet101V2": (f"resnet/resnet101v2{_KERNELS}", 224),
    "ResNet152": (f"resnet/resnet152{_KERNELS}", 224),
    "ResNet152V2": (f"resnet/resnet152v2{_KERNELS}", 224),
    "ResNet50": (f"resnet/resnet50{_KERNELS}", 224),
    "ResNet50V2": (f"resnet/resnet50v2{_KERNELS}", 224),
    "VGG16": (f"vgg16/vgg16{_KERNELS}", 224),
    "VGG19": (f"vgg19/vgg19{_KERNELS}", 224),
    "Xception": (f"xception/xception{_KERNELS}", 299),
}
"""Application -> its weight file and its input size, both as in ``tf_keras.applications``.

EfficientNetB0 to B7 are left out: tf_keras adds a layer to them when, and only when, it
downloads the weights itself, so that the same file gives another model here.
"""

#: Values of ``weights`` that are no file.
_NAMED: Final = ("imagenet", "none")

_ALPHAS: Final[dict[str, dict[float, str]]] = {
    "MobileNet": {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"},
    "MobileNetV2": {a: str(a) for a in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
    "MobileNetV3Large": {0.75: "0.75", 1.0: "1.0"},
    "MobileNetV3Small": {0.75: "0.75", 1.0: "1.0"},
}
"""Application -> the widths that there are ImageNet weights for, as written in file names."""

_SIZES: Final = {"MobileNet": (128, 160, 192, 224), "MobileNetV2": (96, 128, 160, 192, 224)}
"""Application -> the input sizes with weights of their own; others take those of 224."""


class Options(StrictOptions):
    """A model of tf_keras.applications."""

    shorthand: ClassVar[str | None] = "name"

    name: str = Field(json_schema_extra={"enum": list(_FILES)})
    """The application, such as MobileNetV2."""
    alpha: float = Field(1.0, gt=0, le=4)
    """The width multiplier of a MobileNet."""
    input_size: int | None = Field(None, ge=32, le=4096)
    """Height and width of the input in pixels; the application's own where left out."""
    weights: str = "imagenet"
    """``imagenet`` for Keras' own file, an .h5 file, the http(s) address of one (a mirror), or
    ``none`` for random ones, to try an architecture."""
    classifier_activation: Literal["softmax"] | None = "softmax"
    """What the model ends in: probabilities, or with null the logits."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return check_name(name, _FILES)

    @field_validator("weights")
    @classmethod
    def _resolve_weights(cls, weights: str, info: ValidationInfo) -> str:
        if weights in _NAMED or is_web_address(weights):
            return weights
        return str(resolve(Path(weights), info))

    @model_validator(mode="after")
    def _has_width(self) -> Options:
        widths = _ALPHAS.get(self.name, {1.0: ""})
        if self.alpha not in widths and (self.weights == "imagenet" or widths == {1.0: ""}):
            choice = ", ".join(map(str, widths))
            raise ValueError(f"there is no {self.name} of alpha {self.alpha}, only of {choice}")
        return self

    def local_paths(self) -> dict[str, Path]:
        """The weights, where they are a file on this machine."""
        remote = self.weights in _NAMED or is_web_address(self.weights)
        return {} if remote else {"weights": Path(self.weights)}

    def key(self) -> dict[str, Any]:
        """All but where the weights lie; an address is published without what is secret."""
        key = super().key()
        return (
            key | {"weights": hide_secrets(self.weights)} if is_web_address(self.weights) else key
        )

    @property
    def size(self) -> int:
        """Height and width of the input in pixels."""
        return self.input_size or _FILES[self.name][1]

    @property
    def url(self) -> str:
        """Where the weights are downloaded from: the address that tf_keras itself uses."""
        if self.weights != "imagenet":
            return self.weights
        size = self.size if self.size in _SIZES.get(self.name, ()) else 224
        alpha = _ALPHAS.get(self.name, {}).get(self.alpha)
        return _BASE + _FILES[self.name][0].format(alpha=alpha, size=size)


def remote_files(options: Options) -> dict[str, RemoteFile]:
    """The weights, unless they are on this machine already."""
    if options.local_paths() or options.weights == "none":
        return {}
    how = "get the file some other way and set source.keras_application.weights to its path"
    return {"weights": RemoteFile(options.url, None, _MAX_BYTES, how)}


@step(version=2)
def pull(weights: Path | None, options: Options, work: Path) -> None:
    """Write ``weights.h5``, if there is one, and what is needed to build the model around it."""
    details = {
        **_weights_file(weights, work),
        "name": options.name,
        "alpha": options.alpha,
        "input_size": options.size,
        "classifier_activation": options.classifier_activation,
    }
    SourceFolder(work).describe("keras_application", **details)


def _weights_file(weights: Path | None, work: Path) -> dict[str, Any]:
    if weights is None:
        return {}
    check_h5(weights)
    shutil.copyfile(weights, work / "weights.h5")
    sha256, size = file_digest(work / "weights.h5")
    return {"path": "weights.h5", "sha256": sha256, "bytes": size}


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Build the application and load its weights."""
    from pipeline.sources.keras.model import from_tf_keras, start_fresh
    from pipeline.sources.keras.weights import load_weights, randomize

    start_fresh()
    model = _build(details)
    if "path" in details:
        load_weights(model, folder / details["path"], details["name"])
    else:
        randomize(model)
    return from_tf_keras(model)


def _build(details: Mapping[str, Any]) -> Any:
    import tf_keras

    name, size = details["name"], details["input_size"]
    width = {"alpha": details["alpha"]} if name in _ALPHAS else {}
    try:
        return getattr(tf_keras.applications, name)(
            input_shape=(size, size, 3),
            weights=None,
            classifier_activation=details["classifier_activation"],
            **width,
        )
    except ValueError as error:
        raise SourceError(
            f"{name} cannot be built with an input of {size}x{size} ({error})",
            where="source.keras_application.input_size",
            todo=f"leave input_size out to have {_FILES[name][1]}",
        ) from error


SOURCE = Source(
    name="keras_application",
    options=Options,
    pull=pull,
    remote_files=remote_files,
    load=load,
)
