"""Networks as people have them in PyTorch, exported as PyTorch does: python torch_models.py FOLDER

Runs in an environment with torch and torchvision, and imports nothing of this project. Weights are
random; batch norms get the statistics of what they see, so that no layer's results fade out. Writes
``NAME.EXPORTER.onnx``, by both exporters, and ``NAME.npz`` with inputs and PyTorch's own outputs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

SAMPLES = 8


class Block(nn.Sequential):
    """A convolution as YOLO's are: batch norm, then SiLU."""

    def __init__(self, before: int, after: int, kernel: int = 1, stride: int = 1) -> None:
        convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(after), nn.SiLU())


class Split(nn.Module):
    """Halves of the channels, one of them convolved with a shortcut, and all joined again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = Block(channels, channels), Block(channels + channels // 2, channels)
        self.inner = nn.Sequential(
            Block(channels // 2, channels // 2, 3), Block(channels // 2, channels // 2, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.first(x).chunk(2, 1)
        return self.last(torch.cat([left, right, right + self.inner(right)], 1))


class Pyramid(nn.Module):
    """Pools of growing windows, joined."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = Block(channels, channels // 2), Block(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(functional.max_pool2d(parts[-1], 5, 1, 2))
        return self.last(torch.cat(parts, 1))


class Detector(nn.Module):
    """A detector of YOLO v8's kind: two scales, boxes as distributions of distances."""

    BINS, CLASSES, SIZE = 16, 5, 96

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Block(3, 16, 3, 2), Block(16, 32, 3, 2), Split(32))
        self.middle = nn.Sequential(Block(32, 64, 3, 2), Split(64))
        self.deep = nn.Sequential(Block(64, 128, 3, 2), Split(128), Pyramid(128))
        self.up = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.join = nn.Sequential(Block(192, 64), Split(64))
        heads = self.BINS * 4 + self.CLASSES
        self.heads = nn.ModuleList([nn.Conv2d(64, heads, 1), nn.Conv2d(128, heads, 1)])
        self.register_buffer("bins", torch.arange(self.BINS, dtype=torch.float32))
        centres, strides = zip(*(self._anchors(stride) for stride in (8, 16)), strict=True)
        self.register_buffer("centres", torch.cat(centres, 1))
        self.register_buffer("strides", torch.cat(strides, 1))

    def _anchors(self, stride: int) -> tuple[Tensor, Tensor]:
        places = torch.arange(self.SIZE // stride) + 0.5
        y, x = torch.meshgrid(places, places, indexing="ij")
        centres = torch.stack([x.flatten(), y.flatten()])
        return centres, torch.full((1, centres.shape[1]), float(stride))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """[n, 4, 180] in pixels, and [n, 5, 180]."""
        middle = self.middle(self.stem(image))
        deep = self.deep(middle)
        scales = [self.join(torch.cat([self.up(deep), middle], 1)), deep]
        rows = [head(x).flatten(2) for head, x in zip(self.heads, scales, strict=True)]
        boxes, classes = torch.cat(rows, 2).split([self.BINS * 4, self.CLASSES], 1)
        shares = boxes.view(-1, 4, self.BINS, boxes.shape[2]).softmax(2)
        far = torch.einsum("nabk,b->nak", shares, self.bins)
        least, most = self.centres - far[:, :2], self.centres + far[:, 2:]
        centred = torch.cat([(least + most) / 2, most - least], 1)
        return centred * self.strides, classes.sigmoid()


class Encoder(nn.Module):
    """Sentences as MiniLM embeds them: masked attention, mean of the tokens, length one."""

    WORDS, WIDTH, LENGTH = 200, 48, 24

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = (
            nn.Embedding(count, self.WIDTH) for count in (self.WORDS, self.LENGTH)
        )
        self.norm = nn.LayerNorm(self.WIDTH)
        self.layers = nn.ModuleList([Layer(self.WIDTH, 4) for _ in range(3)])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """[n, 48] of token ids [n, 24] and a mask of ones and zeros."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.places(places))
        bias = (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, bias)
        weights = mask[:, :, None].to(x.dtype)
        mean = (x * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return functional.normalize(mean, p=2.0, dim=1)


class Layer(nn.Module):
    """One of BERT's."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        parts = (layer(x) for layer in (self.query, self.key, self.value))
        query, key, value = (
            part.view(part.shape[0], part.shape[1], self.heads, -1).transpose(1, 2)
            for part in parts
        )
        scores = query @ key.transpose(-1, -2) / (query.shape[-1] ** 0.5) + bias
        seen = (scores.softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
        x = self.norms[0](x + self.out(seen))
        return self.norms[1](x + self.narrow(functional.gelu(self.wide(x))))


def _image(size: int) -> dict[str, Tensor]:
    """Images with structure: noise, small and made large."""
    rough = torch.randn(SAMPLES, 3, 8, 8)
    smooth = functional.interpolate(rough, (size, size), mode="bilinear", align_corners=False)
    return {"image": smooth + 0.1 * torch.randn(SAMPLES, 3, size, size)}


def _text() -> dict[str, Tensor]:
    lengths = torch.randint(3, Encoder.LENGTH + 1, (SAMPLES, 1))
    mask = (torch.arange(Encoder.LENGTH)[None] < lengths).long()
    return {"ids": torch.randint(0, Encoder.WORDS, mask.shape) * mask, "mask": mask}


#: Network, inputs by name, and names of the outputs.
NETWORKS: Mapping[str, tuple[Callable[[], nn.Module], Callable[[], dict[str, Tensor]], list[str]]]
NETWORKS = {
    "mobilenet-v2": (lambda: models.mobilenet_v2(width_mult=0.5), lambda: _image(96), ["logits"]),
    "resnet-18": (models.resnet18, lambda: _image(96), ["logits"]),
    "detector": (Detector, lambda: _image(Detector.SIZE), ["boxes", "scores"]),
    "encoder": (Encoder, _text, ["sentence"]),
}


def prepare(make: Callable[[], nn.Module], inputs: Mapping[str, Tensor]) -> nn.Module:
    """A network whose batch norms have seen the inputs."""
    network = make()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    network.train()
    with torch.no_grad():
        network(*inputs.values())
    return network.eval()


def export(network: nn.Module, inputs: Mapping[str, Tensor], names: list[str], stem: Path) -> None:
    """By both exporters, of a batch of any size."""
    few = tuple(value[:2] for value in inputs.values())
    common = {"input_names": [*inputs], "output_names": names}
    axes = {name: {0: "batch"} for name in [*inputs, *names]}
    script, dynamo = (f"{stem}.{exporter}.onnx" for exporter in ("script", "dynamo"))
    torch.onnx.export(network, few, script, dynamo=False, dynamic_axes=axes, **common)
    shapes = tuple({0: torch.export.Dim("batch")} for _ in inputs)
    torch.onnx.export(network, few, dynamo, dynamo=True, dynamic_shapes=shapes, **common)


def main(folder: Path) -> None:
    """All of ``NETWORKS``."""
    for name, (make, feed, names) in NETWORKS.items():
        torch.manual_seed(0)
        inputs = feed()
        network = prepare(make, inputs)
        export(network, inputs, names, folder / name)
        with torch.no_grad():
            results = network(*inputs.values())
        results = results if isinstance(results, tuple) else (results,)
        arrays = {**inputs, **dict(zip(names, results, strict=True))}
        np.savez(folder / f"{name}.npz", **{key: value.numpy() for key, value in arrays.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
