"""How far from the golden a number format alone can bring an artifact.

These hold where a config bounds no difference from the golden. They tell a conversion that went
wrong from one that only rounded; whether what rounding cost is acceptable is for a config's own
gates to say. All bound ``relative_error``: the root mean square error as a share of how much the
golden varies over the samples, so that one number fits every model and output. A model that gives
its mean answer to every sample has 1.

Measured: (a) the bundled MobileNet, trained, on its 360 test samples; (b) a MobileNet v1 224 with
random weights and batch norms set from data, softmax outputs on 32 random samples: a hard case,
since 28 untrained layers amplify every rounding and the outputs vary by little.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.optimize.contract import Technique

#: Number format, or number format and backend -> the largest ``relative_error``.
TOLERANCES = {
    # Another order of sums. A sum of n products is off by about sqrt(n) 2^-24 of its size (Higham
    # and Mary 2019, doi 10.1137/18M1226312): 6e-6 for n = 10^4, a layer. (a) 3e-7, (b) 4e-5.
    "float32": 1e-3,
    # Factors that are powers of two move from layer to layer, which rounds nothing; folded batch
    # norms round as any other order of products does. (a) 2e-7, (b) 8e-5.
    "equalize": 1e-3,
    # 11 significant bits: each weight is off by 2^-10 / sqrt(12) of its power of two, 2e-4 of
    # itself in the mean, and so is a sum of their products. (a) 2e-4, (b) 0.034.
    "float16": 0.1,
    # The same for activations too: each layer rounds its sums once more, by as much as its weights
    # are off. (a) 1e-4 natively and in ONNX Runtime Web's wasm, which compute in float32.
    "float16-compute": 0.1,
    # A source that computes in it, against artifacts in float32. 8 significant bits: a rounding is
    # off by 2^-7 / sqrt(12) of its power of two, 0.0017 of itself in the mean. A layer rounds its
    # weights, inputs and sums, so that L layers are off by 0.0029 sqrt(L), 0.015 for 28. (a) 0.002,
    # logits 0.014; (b) with 96 pixels and half of the channels 0.52.
    "bfloat16": 0.6,
    # Steps of range / 65535, off by step / sqrt(12) (Bennett 1948, doi
    # 10.1002/j.1538-7305.1948.tb01340.x). Folded batch norms stretch the range of a tensor to a
    # hundred times most of its weights: 4e-4 of them. (a) not built, (b) 0.005.
    "uint16": 0.02,
    # The same with steps of range / 255: 1 % of weights in a range of ten standard deviations,
    # 10 % of those in a range of a hundred. One scale for a whole tensor, TF.js' way, can bring a
    # MobileNet to chance (Krishnamoorthi 2018, arXiv:1806.08342). (a) 0.015, (b) 0.43.
    "uint8": 0.6,
    # 15 levels with a scale for each 32 weights: a step of a seventh of a block's largest, 10 % of
    # most weights, and a layer or two in uint8. (a) 0.14.
    "int4": 0.7,
    # Steps as coarse as the bytes asked for. With the default of 6 bits a weight (a) 0.003,
    # (b) 0.1; with 1.5 bits, where accuracy begins to fall, (a) 0.18.
    "round": 0.6,
    # Activations in 8 bits too, and engines differ in where they round. Weights that are portable
    # give the same sums on x86 without VNNI: (a) 0.007 there. With all 8 bits (a) 0.0105 with VNNI
    # and in ONNX Runtime Web's wasm, 0.0117 in its webgpu, a ninth more, and 0.36 without VNNI.
    # (b) 0.62 natively and in wasm.
    "int8 onnxruntime-cpu": 0.75,
    "int8": 0.85,
    # Steps of range / 255, of the range of each input as it comes, which no calibration misjudges;
    # sums of integers are exact, so that engines agree. An attention layer with random weights:
    # 0.005 natively, in wasm and beside webgpu.
    "int8-dynamic": 0.75,
    # Pruning and fine-tuning make another network, which nothing binds to the source's numbers but
    # that it has learnt the same: half of what the mean answer would be off. (a) 0.13 pruned, 0.18
    # with half of the channels, 0.12 to 0.22 as students of a tenth of the size.
    "trained": 0.5,
}

#: The largest ``worst_sample_error`` of a model whose task tells no answers of its outputs, in any
#: number format: a sample that gets another one's answer has about 1.4, and so has one whose
#: softmax is off by 1. Measured with onnxruntime on 40 to 64 samples: the bundled MobileNet, a
#: small transformer, and a network with probabilities, logits, embeddings and a count: 0.15 at
#: most with uint8, 0.78 with int8, 0.71 with int4, 0.82 with 32 levels. Not of trained networks,
#: which may answer a few samples otherwise and be as good.
WORST_SAMPLE = 1.2

#: Backends that keep activations in float16, whatever the weights are in.
HALF_PRECISION = frozenset({"tfjs-webgl-f16"})

#: Of a number format that is not listed: what ignores its input has 1.
WIDEST = max(TOLERANCES.values())


def number_formats(techniques: Iterable[Technique]) -> tuple[str, ...]:
    """What a variant's techniques make of the model's numbers.

    Args:
        techniques: none for the model as it is.
    """
    names = (
        "trained" if technique.stage == "model" else technique.name for technique in techniques
    )
    return tuple(names) or ("float32",)


def tolerance(formats: Iterable[str], backend: str) -> float:
    """The largest ``relative_error`` of a variant: that of its widest number format."""
    used = (*formats, "float16") if backend in HALF_PRECISION else formats
    return max(_tolerance_of(name, backend) for name in used)


def _tolerance_of(name: str, backend: str) -> float:
    here = TOLERANCES.get(f"{name} {backend}")
    return TOLERANCES.get(name, WIDEST) if here is None else here
