"""Each ONNX operator with its options computes in TensorFlow what onnxruntime computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from onnx_to_tensorflow import imported, model_of, reference, run

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


@dataclass
class Case:
    lines: list[str]
    inputs: dict[str, Array]
    constants: dict[str, Array] = field(default_factory=dict)
    opset: int = 17
    free: bool = True
    """Whether it is converted with a free first axis too."""
    atol: float = 1e-5


def case(
    *lines: str, opset: int = 17, free: bool = True, atol: float = 1e-5, **arrays: Array
) -> Any:
    """Arrays whose names begin with x are inputs, the others constants."""
    inputs = {name: array for name, array in arrays.items() if name[0] == "x"}
    constants = {name: array for name, array in arrays.items() if name[0] != "x"}
    name = f"{lines[-1].split(' = ')[1].split('(')[0]}-{opset}"
    return pytest.param(Case(list(lines), inputs, constants, opset, free, atol), id=name)


IMAGE = floats(2, 4, 9, 7)
LINE = floats(2, 4, 9)
ROWS = floats(3, 5)
POSITIVE = np.abs(floats(3, 5)) + 0.1
WITH_EDGES = np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 7.0, 0.0]], np.float32)
K = floats(6, 4, 3, 3)

UNARY = [
    case(f"y = {name}(x)", x=POSITIVE * 0.3)
    for name in (
        *("Abs", "Acos", "Asin", "Asinh", "Atan", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp"),
        *("Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Neg", "Reciprocal", "Relu"),
        *("Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh"),
        *("ThresholdedRelu", "Identity", "Atanh", "Celu", "Dropout"),
    )
]
ELEMENTWISE = [
    case("y = Acosh(x)", x=POSITIVE + 1),
    case("y = Round(x)", x=WITH_EDGES),
    case("y = Elu[alpha=0.3](x)", x=ROWS),
    case("y = Selu[alpha=0.3, gamma=2.0](x)", x=ROWS),
    case("y = Celu[alpha=0.7](x)", x=ROWS),
    case("y = ThresholdedRelu[alpha=0.2](x)", x=ROWS),
    case("y = LeakyRelu[alpha=0.3](x)", x=ROWS),
    case("y = HardSigmoid[alpha=0.3, beta=0.4](x)", x=WITH_EDGES),
    case("y = HardSwish(x)", x=WITH_EDGES * 2),
    case("y = Mish(x)", x=ROWS, opset=18),
    case("y = Gelu(x)", x=ROWS, opset=20),
    case("y = Gelu[approximate='tanh'](x)", x=ROWS, opset=20),
    case("y = IsNaN(x)", x=np.array([[1, np.nan]], np.float32)),
    case("y = IsInf(x)", x=np.array([[1, np.inf, -np.inf]], np.float32)),
    case("y = Clip[min=-0.5, max=0.7](x)", x=ROWS, opset=7),
    case("y = Clip(x, low, high)", x=WITH_EDGES, low=np.float32(0), high=np.float32(6)),
    case("y = Clip(x, , high)", x=ROWS, high=np.float32(0.3)),
    case("y = PRelu(x, s)", x=IMAGE, s=floats(4, 1, 1)),
    case("c = Conv(x, k)", "y = PRelu(c, s)", x=IMAGE, k=K, s=floats(6, 1, 1)),
    case("y = Cast[to=7](x)", x=WITH_EDGES),
    case("y = CastLike(x, l)", x=WITH_EDGES, l=ints(1), opset=19),
    case("y = Not(x)", x=ROWS > 0),
    *(
        case(f"y = {name}(x, x2)", x=ROWS, x2=floats(3, 5))
        for name in ("Add", "Sub", "Mul", "Div", "Less", "LessOrEqual", "Greater", "Max", "Min")
    ),
    *(case(f"y = {n}(x, x2)", x=ROWS > 0, x2=ROWS > 0.3) for n in ("And", "Or", "Xor")),
    case("y = GreaterOrEqual(x, c)", x=ROWS, c=floats(5)),
    case("y = Equal(x, c)", x=np.int32([[1, 2]]), c=np.int32([1, 3])),
    case("y = Sum(x, x2, c)", x=ROWS, x2=floats(3, 5), c=floats(1, 5)),
    case("y = Mean(x, x2, c)", x=ROWS, x2=floats(3, 5), c=floats(1, 5)),
    case("y = Add(x, c)", x=IMAGE, c=floats(4, 1, 1)),
    case("c = Conv(x, k)", "y = Mul(c, s)", x=IMAGE, k=K, s=floats(1, 6, 1, 1)),
    case("c = Conv(x, k)", "y = Add(s, c)", x=IMAGE, k=K, s=floats(5)),
    case("c = Conv(x, k)", "y = Sub(c, x2)", x=IMAGE, k=K, x2=floats(2, 6, 7, 5)),
    case("c = Conv(x, k)", "y = Mul(c, x2)", x=IMAGE, k=K, x2=floats(7, 5), free=False),
    case("y = Div(x, c)", x=ints(-7, 7, 5), c=ints(2, -2, 5), free=False),
    case("y = Mod(x, c)", x=ints(-7, 7, 5), c=ints(3, -3, 5), free=False),
    case("y = Mod[fmod=1](x, c)", x=ints(-7, 7, 5), c=ints(3, -3, 5), free=False),
    case("y = Mod[fmod=1](x, c)", x=ROWS, c=floats(5)),
    *(case("y = Pow(x, c)", x=POSITIVE, c=np.float32(e)) for e in (0.5, 1, 2, 3)),
    case("y = Pow(x, c)", x=POSITIVE, c=ints(2, 3, 1, 0, 2)),
    case("y = Pow(x, c)", x=np.int32([[2, -3]]), c=np.int32(2)),
    case("y = Where(x, a, b)", x=ROWS > 0, a=floats(5), b=floats(3, 1), free=False),
    case(
        "c = Conv(x, k)",
        "d = Conv(x, k2)",
        "y = Concat[axis=1](c, d, e)",
        x=IMAGE,
        k=K,
        k2=floats(2, 4, 3, 3),
        e=floats(2, 1, 7, 5),
        free=False,
    ),
    case("y = Concat[axis=-1](x, x2)", x=ROWS, x2=floats(3, 2)),
]
CONVOLUTIONS = [
    case("y = Conv(x, k)", x=IMAGE, k=K),
    case("y = Conv[pads=[1, 1, 1, 1]](x, k, b)", x=IMAGE, k=K, b=floats(6)),
    case("y = Conv[pads=[1, 1, 1, 1], strides=[2, 2]](x, k)", x=IMAGE, k=K),
    case("y = Conv[pads=[0, 2, 1, 0], strides=[2, 1]](x, k)", x=IMAGE, k=K),
    case("y = Conv[pads=[2, 2, 2, 2], dilations=[2, 2]](x, k)", x=IMAGE, k=K),
    case("y = Conv[pads=[0, 1, 2, 3], dilations=[1, 2], strides=[2, 2]](x, k)", x=IMAGE, k=K),
    *(
        case(f"y = Conv[auto_pad='{how}', strides=[2, 2]](x, k)", x=IMAGE, k=K)
        for how in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    case("y = Conv[group=2](x, k)", x=IMAGE, k=floats(6, 2, 3, 3)),
    case("y = Conv[group=2, pads=[1, 0, 0, 1]](x, k)", x=IMAGE, k=floats(6, 2, 3, 3)),
    case("y = Conv[group=4, pads=[1, 1, 1, 1]](x, k)", x=IMAGE, k=floats(4, 1, 3, 3)),
    case(
        "y = Conv[group=4, pads=[1, 1, 1, 1], strides=[2, 2]](x, k, b)",
        x=IMAGE,
        k=floats(8, 1, 3, 3),
        b=floats(8),
    ),
    case(
        "y = Conv[group=4, pads=[2, 2, 2, 2], dilations=[2, 2]](x, k)",
        x=IMAGE,
        k=floats(4, 1, 3, 3),
    ),
    case(
        "y = Conv[group=4, pads=[1, 2, 3, 0], dilations=[2, 2]](x, k)",
        x=IMAGE,
        k=floats(4, 1, 3, 3),
    ),
    case("y = Conv[group=4, strides=[1, 2]](x, k)", x=IMAGE, k=floats(4, 1, 3, 3)),
    case("y = Conv[pads=[1, 1], strides=[2]](x, k, b)", x=LINE, k=floats(6, 4, 3), b=floats(6)),
    case("y = Conv[group=4, pads=[2, 0], dilations=[2]](x, k)", x=LINE, k=floats(4, 1, 3)),
    case(
        "y = Conv[pads=[1, 0, 1, 1, 0, 1], strides=[1, 2, 1]](x, k, b)",
        x=floats(1, 2, 4, 5, 4),
        k=floats(3, 2, 3, 2, 3),
        b=floats(3),
    ),
    case("w = Mul(k, s)", "y = Conv(x, w)", x=IMAGE, k=K, s=np.float32(0.5)),
    case("y = ConvTranspose(x, k)", x=IMAGE, k=floats(4, 3, 3, 3)),
    case("y = ConvTranspose[strides=[2, 2]](x, k, b)", x=IMAGE, k=floats(4, 3, 2, 2), b=floats(3)),
    case(
        "y = ConvTranspose[strides=[2, 2], pads=[1, 1, 1, 1]](x, k)", x=IMAGE, k=floats(4, 3, 4, 4)
    ),
    case(
        "y = ConvTranspose[strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]](x, k)",
        x=IMAGE,
        k=floats(4, 3, 3, 3),
    ),
    case(
        "y = ConvTranspose[strides=[3, 2], pads=[0, 1, 2, 0]](x, k)", x=IMAGE, k=floats(4, 3, 3, 3)
    ),
    case(
        "y = ConvTranspose[group=2, strides=[2, 2], dilations=[2, 2]](x, k)",
        x=IMAGE,
        k=floats(4, 3, 3, 3),
    ),
    case(
        "y = ConvTranspose[strides=[2, 2], output_shape=[18, 15]](x, k)",
        x=IMAGE,
        k=floats(4, 3, 3, 3),
    ),
    *(
        case(
            f"y = ConvTranspose[strides=[2, 2], auto_pad='{how}'](x, k)",
            x=IMAGE,
            k=floats(4, 3, 3, 3),
        )
        for how in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    case("y = ConvTranspose[strides=[2], pads=[1, 1]](x, k)", x=LINE, k=floats(4, 3, 4)),
    case(
        "y = ConvTranspose[strides=[2, 2, 1]](x, k)",
        x=floats(1, 2, 3, 4, 3),
        k=floats(2, 3, 2, 2, 2),
    ),
]
POOLS = [
    *(
        case(f"y = {name}(x)", x=x)
        for name in ("GlobalAveragePool", "GlobalMaxPool")
        for x in (IMAGE, LINE)
    ),
    *(
        case(f"y = {kind}[kernel_shape=[3, 3], {options}](x)", x=IMAGE, opset=19)
        for kind in ("MaxPool", "AveragePool")
        for options in (
            "strides=[2, 2]",
            "strides=[2, 2], pads=[1, 1, 1, 1]",
            "strides=[2, 2], pads=[0, 1, 1, 0]",
            "strides=[2, 2], ceil_mode=1",
            "strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1",
            "strides=[2, 3], auto_pad='SAME_UPPER'",
            "strides=[2, 2], auto_pad='SAME_LOWER'",
            "dilations=[2, 2]",
            "dilations=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1]",
        )
    ),
    case(
        "y = AveragePool[kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1](x)",
        x=IMAGE,
        opset=19,
    ),
    case(
        "y = AveragePool[kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1,"
        " count_include_pad=1](x)",
        x=IMAGE,
        opset=19,
    ),
    case("y = MaxPool[kernel_shape=[3], strides=[2], pads=[1, 1]](x)", x=LINE),
    case("y = AveragePool[kernel_shape=[3], strides=[2], pads=[1, 1]](x)", x=LINE),
    case("y = MaxPool[kernel_shape=[2, 2, 2], strides=[2, 2, 2]](x)", x=floats(1, 2, 4, 5, 4)),
]
MATRICES = [
    case("y = MatMul(x, w)", x=ROWS, w=floats(5, 2)),
    case("y = MatMul(x, w)", x=floats(2, 3, 5), w=floats(5, 2)),
    case("y = MatMul(x, x2)", x=floats(2, 4, 3, 5), x2=floats(2, 4, 5, 2)),
    case(
        "t = Transpose[perm=[0, 1, 3, 2]](x2)",
        "y = MatMul(x, t)",
        x=floats(2, 4, 3, 5),
        x2=floats(2, 4, 2, 5),
    ),
    case("y = MatMul(x, w)", x=floats(5), w=floats(5, 2), free=False),
    case("y = MatMul(x, w)", x=floats(3, 5), w=floats(5)),
    case("y = MatMul(x, w)", x=floats(5), w=floats(5), free=False),
    case("y = Gemm(x, w, b)", x=ROWS, w=floats(5, 2), b=floats(2)),
    case("y = Gemm[transB=1](x, w, b)", x=ROWS, w=floats(2, 5), b=floats(2)),
    case(
        "y = Gemm[alpha=0.5, beta=2.0, transA=1, transB=1](x, w, b)",
        x=ROWS,
        w=floats(2, 3),
        b=floats(5, 1),
        free=False,
    ),
    case("y = Gemm[alpha=0.5](x, x2)", x=ROWS, x2=floats(5, 4), free=False, opset=13),
    case("y = Einsum[equation='bij,bjk->bik'](x, x2)", x=floats(2, 3, 4), x2=floats(2, 4, 5)),
    case(
        "y = Einsum[equation='bhid, bhjd->bhij'](x, x2)",
        x=floats(2, 3, 4, 5),
        x2=floats(2, 3, 2, 5),
    ),
    case("y = Einsum[equation='ij,jk'](x, w)", x=ROWS, w=floats(5, 2)),
]
NORMS = [
    *(
        case(
            "y = BatchNormalization[epsilon=0.01](x, s, o, m, v)",
            x=x,
            s=floats(4),
            o=floats(4),
            m=floats(4),
            v=np.abs(floats(4)),
            opset=opset,
        )
        for x in (IMAGE, LINE, floats(3, 4))
        for opset in (9, 15)
    ),
    case(
        "c = Conv(x, k)",
        "y = BatchNormalization(c, s, o, m, v)",
        x=IMAGE,
        k=K,
        s=floats(6),
        o=floats(6),
        m=floats(6),
        v=np.abs(floats(6)),
    ),
    case("y = LayerNormalization(x, s, o)", x=floats(2, 3, 8), s=floats(8), o=floats(8)),
    case("y = LayerNormalization[axis=1, epsilon=0.01](x, s)", x=floats(2, 3, 8), s=floats(3, 8)),
    case("y = InstanceNormalization(x, s, o)", x=IMAGE, s=floats(4), o=floats(4)),
    case("y = InstanceNormalization(x, s, o)", x=LINE, s=floats(4), o=floats(4)),
    case(
        "y = GroupNormalization[num_groups=2](x, s, o)", x=IMAGE, s=floats(4), o=floats(4), opset=21
    ),
    case(
        "c = Conv(x, k)",
        "y = GroupNormalization[num_groups=3](c, s, o)",
        x=IMAGE,
        k=K,
        s=floats(6),
        o=floats(6),
        opset=21,
    ),
    case("y = RMSNormalization(x, s)", x=floats(2, 3, 8), s=floats(8), opset=23),
    case("y = LRN[size=3, alpha=0.01, beta=0.7, bias=1.5](x)", x=IMAGE),
    case("y = LpNormalization[axis=1](x)", x=ROWS),
    case("y = LpNormalization[axis=1, p=1](x)", x=ROWS),
    case("y = MeanVarianceNormalization(x)", x=IMAGE, free=False),
]
REDUCTIONS = [
    *(
        case(f"y = Reduce{how}[axes=[1, -1]{keep}](x)", x=np.abs(IMAGE), atol=1e-4)
        for how in ("Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
        for keep in ("", ", keepdims=0")
    ),
    case("y = ReduceMean(x, a)", x=IMAGE, a=ints(2), opset=18),
    case("y = ReduceMean(x)", x=ROWS, free=False),
    case("y = ReduceMean[noop_with_empty_axes=1](x)", x=ROWS, opset=18),
    case("y = ReduceSum(x, a)", x=IMAGE, a=ints(1, 3)),
    case("c = Conv(x, k)", "y = ReduceSum[keepdims=0](c, a)", x=IMAGE, k=K, a=ints(2), atol=1e-4),
    case("c = Conv(x, k)", "m = ReduceMean[axes=[2, 3]](c)", "y = Mul(c, m)", x=IMAGE, k=K),
    *(
        case(f"y = {name}[axis={axis}](x)", x=floats(2, 3, 4), opset=opset)
        for name in ("Softmax", "LogSoftmax")
        for axis in (1, -1)
        for opset in (11, 13)
    ),
    case("y = Hardmax(x)", x=ROWS),
    case("c = Conv(x, k)", "y = Softmax[axis=1](c)", x=IMAGE, k=K),
    case("c = Conv(x, k)", "y = ArgMax[axis=1](c)", x=IMAGE, k=K),
    case("y = ArgMax[axis=-1, keepdims=0](x)", x=ROWS),
    case("y = ArgMin[axis=1](x)", x=ROWS),
    case("y, i = TopK(x, n)", x=ROWS, n=ints(2)),
    case("y, i = TopK[axis=1, largest=0](x, n)", x=LINE, n=ints(2)),
    case("y, i = TopK[k=2](x)", x=ROWS, opset=9),
    case("y = CumSum(x, a)", x=ROWS, a=ints(1)),
    case("y = CumSum[exclusive=1, reverse=1](x, a)", x=ROWS, a=np.array(1)),
]
SHAPES = [
    case("y = Transpose(x)", x=floats(2, 3, 4)),
    case("y = Transpose[perm=[0, 2, 3, 1]](x)", x=IMAGE),
    case(
        "t = Transpose[perm=[0, 2, 3, 1]](x)",
        "s = Sigmoid(t)",
        "y = Transpose[perm=[0, 3, 1, 2]](s)",
        x=IMAGE,
    ),
    case("y = Reshape(x, s)", x=IMAGE, s=ints(0, -1, 7)),
    case("y = Reshape(x, s)", x=IMAGE, s=ints(-1, 36, 7)),
    case("c = Conv(x, k)", "y = Reshape(c, s)", x=IMAGE, k=K, s=ints(0, -1)),
    case("f = Transpose[perm=[1, 0, 2]](x)", "y = Reshape(f, s)", x=LINE, s=ints(0, 0, 3, -1)),
    case("y = Reshape(x, x2)", x=LINE, x2=ints(0, 2, 18), free=False),
    case("y = Reshape(x, x2)", x=ROWS, x2=ints(5, 1, -1), free=False),
    case("g = GlobalAveragePool(x)", "y = Reshape(g, s)", x=IMAGE, s=ints(0, 4)),
    case(
        "s = Shape(x)",
        "b = Gather(s, zero)",
        "u = Unsqueeze(b, axis)",
        "w = Concat[axis=0](u, rest)",
        "y = Reshape(x, w)",
        x=IMAGE,
        zero=np.array(0),
        axis=ints(0),
        rest=ints(-1, 7),
    ),
    case(
        "c = Conv(x, k)",
        "s = Shape(c)",
        "b = Gather(s, one)",
        "d = Cast[to=1](b)",
        "y = Mul(c, d)",
        x=IMAGE,
        k=K,
        one=np.array(2),
    ),
    case("c = Conv(x, k)", "y = Shape(c)", x=IMAGE, k=K),
    case("y = Shape[start=1, end=-1](x)", x=IMAGE),
    case("y = Size(x)", x=IMAGE),
    *(case(f"y = Flatten[axis={axis}](x)", x=IMAGE, free=axis != 0) for axis in (0, 1, 2, -1)),
    case("c = Conv(x, k)", "y = Flatten(c)", x=IMAGE, k=K),
    case("g = GlobalAveragePool(x)", "y = Squeeze(g, a)", x=IMAGE, a=ints(2, -1)),
    case(
        "c = Conv(x, k)",
        "g = GlobalAveragePool(c)",
        "y = Squeeze[axes=[2, 3]](g)",
        x=IMAGE,
        k=K,
        opset=11,
    ),
    case("g = GlobalAveragePool(x)", "y = Squeeze(g)", x=IMAGE, free=False),
    case("y = Unsqueeze(x, a)", x=ROWS, a=ints(0, -1)),
    case("c = Conv(x, k)", "y = Unsqueeze[axes=[1, 4]](c)", x=IMAGE, k=K, opset=11),
    case("y = Expand(x, s)", x=floats(3, 1), s=ints(2, 1, 4)),
    case("y = Expand(x, s)", x=floats(3, 4), s=ints(1, 1)),
    case("c = Conv(x, k)", "y = Tile(c, r)", x=IMAGE, k=K, r=ints(1, 2, 1, 3)),
    case("y = DepthToSpace[blocksize=2](x)", x=floats(1, 8, 2, 3)),
    case("y = DepthToSpace[blocksize=2, mode='CRD'](x)", x=floats(1, 8, 2, 3)),
    case("y = SpaceToDepth[blocksize=2](x)", x=floats(1, 3, 4, 6)),
]
SLICES = [
    case(
        "y = Slice(x, b, e, a, s)",
        x=IMAGE,
        b=ints(1, -3),
        e=ints(2**63 - 1, -1),
        a=ints(2, 3),
        s=ints(2, 1),
    ),
    case("y = Slice(x, b, e, a, s)", x=IMAGE, b=ints(-1), e=ints(-(2**63)), a=ints(3), s=ints(-2)),
    case("y = Slice(x, b, e)", x=floats(3, 5), b=ints(0, 1), e=ints(10, 10)),
    case("y = Slice[starts=[1], ends=[-1], axes=[1]](x)", x=ROWS, opset=9),
    case("c = Conv(x, k)", "y = Slice(c, b, e, a)", x=IMAGE, k=K, b=ints(1), e=ints(4), a=ints(1)),
    case(
        "s = Shape(x)",
        "h = Slice(s, two, three)",
        "y = Slice(x, zero, h, axis)",
        x=IMAGE,
        two=ints(2),
        three=ints(3),
        zero=ints(0),
        axis=ints(1),
    ),
    case("y, z = Split[axis=1](x, s)", x=IMAGE, s=ints(1, 3)),
    case("y, z = Split[axis=1, split=[1, 3]](x)", x=IMAGE, opset=11),
    case("y, z = Split[axis=1](x)", x=IMAGE),
    case("y, z = Split[axis=2, num_outputs=2](x)", x=IMAGE, opset=18),
    case("c = Conv(x, k)", "y, z = Split[axis=1](c)", x=IMAGE, k=K),
    case("y = Gather[axis=1](x, i)", x=ROWS, i=ints(0, -1)),
    case("y = Gather[axis=1](x, i)", x=ROWS, i=np.array(-1)),
    case("y = Gather(w, x)", x=np.array([[0, -1, 3], [2, 1, -4]]), w=floats(4, 3)),
    case("c = Conv(x, k)", "y = Gather[axis=1](c, i)", x=IMAGE, k=K, i=ints(5, 0)),
    case("c = Conv(x, k)", "y = Gather[axis=1](c, i)", x=IMAGE, k=K, i=np.array(2)),
    case("c = Conv(x, k)", "y = Gather[axis=2](c, i)", x=IMAGE, k=K, i=np.array([[2, 1]])),
    case("y = GatherND(x, i)", x=ROWS, i=np.array([[0, 1], [2, -1]]), free=False),
    case("y = GatherND[batch_dims=1](x, i)", x=floats(2, 3, 4), i=np.array([[1], [0]]), free=False),
    case("y = GatherElements[axis=1](x, i)", x=ROWS, i=np.array([[0, -1], [2, 1], [3, 3]])),
    case("y = GatherElements[axis=1](x, x2)", x=ROWS, x2=np.array([[0, -1], [2, 1], [3, 3]])),
    case("y = ScatterND(x, i, u)", x=ROWS, i=np.array([[0], [2]]), u=floats(2, 5), free=False),
    case(
        "y = ScatterElements[axis=1](x, i, u)", x=ROWS, i=np.array([[1], [0], [-1]]), u=floats(3, 1)
    ),
    case("y = Pad[pads=[0, 0, 1, 2, 0, 0, 3, 0], value=1.5](x)", x=IMAGE, opset=9),
    case(
        "c = Conv(x, k)",
        "y = Pad(c, p, v)",
        x=IMAGE,
        k=K,
        p=ints(0, 1, 2, 0, 0, 0, 0, 3),
        v=np.float32(-1),
    ),
    case("y = Pad[mode='reflect'](x, p)", x=IMAGE, p=ints(0, 0, 2, 1, 0, 0, 1, 2)),
    case("y = Pad[mode='edge'](x, p)", x=IMAGE, p=ints(0, 0, 2, 1, 0, 0, 1, 2)),
    case("y = Pad(x, p, , a)", x=IMAGE, p=ints(1, 2), a=ints(2), opset=18),
    case("y = Pad(x, p)", x=IMAGE, p=ints(0, 0, -1, 1, 0, 0, 1, -2)),
    case("y = NonZero(x)", x=ROWS > 0, free=False),
    case("y = Compress[axis=1](x, c)", x=ROWS, c=np.array([True, False, True])),
]
MADE = [
    case("c = Constant[value_floats=[1.0, 2.0]]()", "y = Add(x, c)", x=floats(3, 2)),
    case("s = Shape(x)", "c = ConstantOfShape(s)", "y = Add(x, c)", x=ROWS),
    case("s = Shape(x)", "c = ConstantOfShape[value=seven](s)", "y = Add(x, c)", x=ROWS),
    case(
        "r = Range(a, b, d)",
        "y = Add(x, r)",
        x=floats(3, 4),
        a=np.float32(0),
        b=np.float32(4),
        d=np.float32(1),
    ),
    case(
        "s = Shape(x)",
        "n = Gather(s, zero)",
        "y = Range(zero, n, one)",
        x=ROWS,
        zero=np.array(0),
        one=np.array(1),
    ),
    case("y = OneHot(x, d, v)", x=np.array([[0, 2, -1]]), d=ints(4), v=np.float32([0.5, 2])),
    case(
        "y = OneHot[axis=1](x, d, v)", x=np.array([[0, 2, -1]]), d=ints(4), v=np.float32([0.5, 2])
    ),
    case("e = EyeLike[k=1](x)", "y = Add(x, e)", x=floats(3, 3), free=False),
    case("y = Trilu(x)", x=floats(2, 4, 3)),
    case("y = Trilu[upper=0](x, k)", x=floats(2, 4, 3), k=np.array(-1)),
]
SCALES = np.float32([1, 1, 2, 2])
RESIZINGS = [
    case("y = Upsample[mode='nearest'](x, s)", x=IMAGE, s=SCALES, opset=9),
    case("y = Upsample[mode='linear', scales=[1.0, 1.0, 2.0, 3.0]](x)", x=IMAGE, opset=7),
    case("y = Resize[mode='linear'](x, s)", x=IMAGE, s=SCALES, opset=10),
    *(
        case(
            f"y = Resize[mode='nearest', coordinate_transformation_mode='{where}',"
            f" nearest_mode='{rounding}'](x, , s)",
            x=IMAGE,
            s=np.float32([1, 1, a, b]),
        )
        for where in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
        for rounding, a, b in (
            ("round_prefer_floor", 2, 3),
            ("floor", 2, 0.6),
            ("ceil", 1.5, 2),
            ("round_prefer_ceil", 0.5, 1.3),
        )
    ),
    *(
        case(
            f"y = Resize[mode='{mode}', coordinate_transformation_mode='{where}'](x, , , s)",
            x=IMAGE,
            s=ints(2, 4, *sizes),
            free=False,
            opset=19,
        )
        for mode in ("linear", "cubic")
        for where in (
            "half_pixel",
            "asymmetric",
            "align_corners",
            "pytorch_half_pixel",
            "half_pixel_symmetric",
        )
        for sizes in ((18, 14), (5, 9))
    ),
    case(
        "y = Resize[mode='linear', coordinate_transformation_mode='pytorch_half_pixel'](x, , , s)",
        x=IMAGE,
        s=ints(2, 4, 1, 3),
        free=False,
    ),
    case("y = Resize[mode='linear'](x, , s)", x=IMAGE, s=np.float32([1, 1, 1.7, 0.8])),
    case("y = Resize[mode='linear'](x, , s)", x=LINE, s=np.float32([1, 1, 2])),
    case("y = Resize[mode='linear', axes=[2, 3]](x, , s)", x=IMAGE, s=np.float32([2, 2]), opset=18),
    case(
        "y = Resize[mode='cubic', cubic_coeff_a=-0.5, exclude_outside=1](x, , s)", x=IMAGE, s=SCALES
    ),
    case(
        "y = Resize[mode='linear', antialias=1](x, , s)",
        x=IMAGE,
        s=np.float32([1, 1, 0.5, 0.6]),
        opset=18,
    ),
    case(
        "y = Resize[mode='cubic', antialias=1](x, , s)",
        x=IMAGE,
        s=np.float32([1, 1, 0.5, 0.6]),
        opset=18,
    ),
    case(
        "y = Resize[mode='linear', coordinate_transformation_mode='align_corners'](x, , s)",
        x=floats(1, 2, 3, 4, 3),
        s=np.float32([1, 1, 2, 2, 2]),
    ),
]
QUANTIZED = [
    case(
        "q = QuantizeLinear(x, s, z)",
        "y = DequantizeLinear(q, s, z)",
        x=WITH_EDGES,
        s=np.float32(0.1),
        z=np.uint8(30),
    ),
    case("y = QuantizeLinear(x, s, z)", x=WITH_EDGES, s=np.float32(0.5), z=np.int8(-3)),
    case(
        "w = DequantizeLinear[axis=1](q, s, z)",
        "y = MatMul(x, w)",
        x=ROWS,
        q=RANDOM.integers(-128, 128, (5, 3)).astype(np.int8),
        s=np.abs(floats(3)),
        z=np.int8([0, 3, -5]),
    ),
    case(
        "w = DequantizeLinear[axis=0, block_size=2](q, s)",
        "y = MatMul(x, w)",
        x=floats(3, 4),
        q=RANDOM.integers(-128, 128, (4, 3)).astype(np.int8),
        s=np.abs(floats(2, 3)),
        opset=21,
    ),
    case("y, s, z = DynamicQuantizeLinear(x)", x=ROWS, free=False),
    case(
        "q, s, z = DynamicQuantizeLinear(x)",
        "i = MatMulInteger(q, w, z, wz)",
        "y = Cast[to=1](i)",
        x=ROWS,
        w=RANDOM.integers(0, 255, (5, 2)).astype(np.uint8),
        wz=np.uint8(120),
        free=False,
    ),
    case(
        "q, s, z = DynamicQuantizeLinear(x)",
        "y = ConvInteger[pads=[1, 1, 1, 1]](q, w, z, wz)",
        x=IMAGE,
        w=RANDOM.integers(0, 255, (2, 4, 3, 3)).astype(np.uint8),
        wz=np.uint8(120),
        free=False,
    ),
]
SEQUENCES = floats(3, 6, 5)
BOTH = "direction='bidirectional', hidden_size=4"


def recurrent(operator: str, settings: str, gates: int, *more: str, **arrays: Array) -> Any:
    """One of random weights, in one direction or two, on sequences of which there is any number."""
    directions = 2 if "bidirectional" in settings else 1
    ends = "y, h, c" if operator == "LSTM" else "y, h"
    weights = {
        "w": floats(directions, gates * 4, 5),
        "r": floats(directions, gates * 4, 4),
        "b": floats(directions, gates * 8),
    }
    return case(
        "t = Transpose[perm=[1, 0, 2]](x)",
        f"{ends} = {operator}[{settings}]({', '.join(['t, w, r, b', *more])})",
        x=SEQUENCES,
        **weights,
        **arrays,
    )


RECURRENT = [
    recurrent("LSTM", "hidden_size=4", 4),
    recurrent("LSTM", BOTH, 4),
    recurrent(
        "LSTM",
        "hidden_size=4, direction='reverse'",
        4,
        ", h0",
        "c0",
        h0=floats(1, 3, 4),
        c0=floats(1, 3, 4),
    ),
    recurrent("LSTM", f"activations=['Sigmoid', 'Relu', 'Tanh'] * 2, {BOTH}", 4),
    recurrent("GRU", "hidden_size=4", 3),
    recurrent("GRU", f"linear_before_reset=1, {BOTH}", 3),
    recurrent("GRU", "hidden_size=4", 3, ", h0", h0=floats(1, 3, 4)),
    recurrent("GRU", "hidden_size=4, linear_before_reset=1", 3, "n", n=np.full(3, 6, np.int32)),
    recurrent("RNN", f"activations=['Relu', 'Tanh'], {BOTH}", 1),
]
BOXES = RANDOM.uniform(0, 1, (2, 12, 4)).astype(np.float32)
SCORES = RANDOM.uniform(0, 1, (2, 3, 12)).astype(np.float32)
SUPPRESSED = [
    case(
        "y = NonMaxSuppression(xb, xs, most, overlap, least)",
        xb=BOXES,
        xs=SCORES,
        most=ints(4),
        overlap=np.float32([0.3]),
        least=np.float32([0.4]),
        free=False,
    ),
    case(
        "y = NonMaxSuppression[center_point_box=1](xb, xs, most, overlap)",
        xb=BOXES,
        xs=SCORES,
        most=ints(2**40),
        overlap=np.float32([0.5]),
        free=False,
    ),
    case("y = NonMaxSuppression(xb, xs)", xb=BOXES, xs=SCORES, free=False),
]
CASES = [
    *UNARY, *ELEMENTWISE, *CONVOLUTIONS, *POOLS, *MATRICES, *NORMS, *REDUCTIONS, *SHAPES, *SLICES,
    *MADE, *RESIZINGS, *QUANTIZED, *RECURRENT,
    *SUPPRESSED,
]  # fmt: skip

ATTRIBUTES = {"seven": numpy_helper.from_array(np.float32([7]), "seven")}


@pytest.mark.parametrize("case", CASES)
def test_operator(case: Case) -> None:
    for free in (False, True)[: 1 + case.free]:
        model = model_of(
            case.lines,
            case.inputs,
            case.constants,
            opset=case.opset,
            free=free,
            attributes=ATTRIBUTES,
        )
        wanted = reference(model, case.inputs)
        computed = run(imported(model), case.inputs)
        for name, array in wanted.items():
            assert computed[name].dtype == array.dtype
            assert computed[name].shape == array.shape
            np.testing.assert_allclose(
                computed[name].astype(np.float64), array, atol=case.atol, rtol=1e-5, err_msg=name
            )
