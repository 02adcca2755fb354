from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import apply_int8 as apply
from onnx_models import run, write_model, write_samples
from saturating import everywhere

from pipeline.base.errors import PipelineError
from pipeline.export import onnx as fmt
from pipeline.graphs.onnx import observe

RANDOM = np.random.default_rng(0)


def images(count):
    """Noise around another colour for each image."""
    colours = RANDOM.normal(0, 2, (count, 3, 1, 1))
    return (RANDOM.normal(0, 1, (count, 3, 8, 8)) + colours).astype(np.float32)


SAMPLES = images(21)


def weight(*shape, spread=1.0):
    scale = spread / np.sqrt(np.prod(shape[1:]))
    return RANDOM.normal(0, scale, shape).astype(np.float32)


#: Its smallest channel is 100 times smaller than its largest.
FIRST = weight(16, 3, 3, 3) * np.geomspace(0.03, 3, 16, dtype=np.float32)[:, None, None, None]


def classifier(folder, first):
    """Two convolutions, a dense layer and a softmax; ``first``: the first kernel."""
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c1"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w2"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["p"]),
    ]
    return write_model(
        folder,
        nodes,
        [("image", "float32", (None, 3, 8, 8))],
        [("p", "float32", (None, 5))],
        w0=first,
        b0=weight(16, 1)[:, 0],
        w1=weight(8, 16, 3, 3),
        w2=weight(8, 5, spread=20),
    )


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("network") / "model", FIRST)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=SAMPLES)


def test_it_agrees_with_float32_on_inputs_it_has_not_seen(tmp_path):
    model = classifier(tmp_path / "model", weight(16, 3, 3, 3))
    # Enough of them: values beyond what calibration saw are clipped.
    samples = write_samples(tmp_path / "samples", image=images(64))
    unseen = images(200)
    wanted = run(model / "model.onnx", image=unseen)[0]
    assert len(set(wanted.argmax(-1))) > 2
    for found in everywhere(apply(model, samples, tmp_path / "work"), image=unseen):
        assert (wanted.argmax(-1) == found.argmax(-1)).mean() > 0.95


def test_one_scale_for_each_channel_keeps_the_small_channels(network, samples, tmp_path):
    errors = {}
    for granularity in ("per-channel", "per-tensor"):
        model = onnx.load(apply(network, samples, tmp_path / granularity, granularity=granularity))
        tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        decoders = [node.input for node in model.graph.node if node.op_type == "DequantizeLinear"]
        data, scale = next(
            (tensors[d], tensors[s])
            for d, s, _ in decoders
            if d in tensors and tensors[d].shape == (16, 3, 3, 3)
        )
        smallest = (data * scale.reshape(-1, *[1] * (3 if scale.ndim else 0)))[0]
        errors[granularity] = np.abs(smallest - FIRST[0]).max() / np.abs(FIRST[0]).max()
    assert errors["per-channel"] < 0.01
    assert errors["per-tensor"] > 0.1


def test_weights_and_activations_are_8_bit_in_plain_onnx(network, samples, tmp_path):
    model = onnx.load(apply(network, samples, tmp_path))
    onnx.checker.check_model(model, full_check=True)
    assert {(item.domain, item.version) for item in model.opset_import} == {("", 17)}
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    assert not any(len(t.dims) > 1 and t.data_type == TensorProto.FLOAT for t in tensors.values())
    makers = {name: node for node in model.graph.node for name in node.output}
    for conv in (node for node in model.graph.node if node.op_type == "Conv"):
        decoder = makers[conv.input[1]]
        data, scale, zero = (tensors[name] for name in decoder.input)
        assert (data.data_type, list(scale.dims)) == (TensorProto.INT8, [data.dims[0]])
        assert not numpy_helper.to_array(zero).any()
        assert makers[conv.input[0]].op_type == "DequantizeLinear"
    last = model.graph.node[-1]
    assert (last.op_type, list(last.output)) == ("Softmax", ["p"])


def test_only_as_many_samples_as_asked_count(network, tmp_path):
    loud = SAMPLES.copy()
    loud[10:] *= 1000
    folder = write_samples(tmp_path / "loud", image=loud)
    quiet = write_samples(tmp_path / "quiet", image=SAMPLES)
    few = apply(network, folder, tmp_path / "few", calibrate=10).read_bytes()
    assert few == apply(network, quiet, tmp_path / "same", calibrate=10).read_bytes()
    assert few != apply(network, folder, tmp_path / "all").read_bytes()


def test_processes_with_other_hash_seeds_give_the_same_bytes(network, samples, tmp_path):
    script = (
        "import sys; from pathlib import Path; from pipeline.optimize import int8\n"
        "model, samples, work = map(Path, sys.argv[1:])\n"
        "int8.apply({'model': model, 'samples': samples}, int8.Options(), work)\n"
    )
    contents = set()
    for seed in ("1", "2"):
        work = tmp_path / seed
        work.mkdir()
        subprocess.run(
            [sys.executable, "-c", script, network, samples, work],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(fmt.__file__).parents[3]),
            },
            check=True,
        )
        contents.add((work / "model.onnx").read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("value", [0.1, 1.0, 3.14159, 5.999999, 6.0, 1e-30, 12345.678])
def test_ranges_are_rounded_outward_to_8_bits(value):
    low, high = observe.round_outward(-value, value)
    assert low == -high
    assert value <= high <= value * (1 + 2**-7)
    mantissa = np.frexp(high)[0] * 256
    assert mantissa == int(mantissa)
    # The last bits of another CPU change nothing.
    nearby = value * (1 + 1e-7) if value not in (1.0, 6.0) else value * (1 - 1e-7)
    assert observe.round_outward(0, nearby) == (0, high)


def test_a_range_always_holds_zero():
    assert observe.round_outward(2.0, 3.0) == (0, 3.0)
    assert observe.round_outward(-3.0, -2.0) == (-3.0, 0)
    assert observe.round_outward(0.0, 0.0) == (0, 0)


def test_integer_inputs_constants_and_empty_tensors(tmp_path):
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("Add", ["e", "bias"], ["s"]),
        helper.make_node("Sub", ["s", "s"], ["nothing"]),
        helper.make_node("Relu", ["nothing"], ["still"]),
        helper.make_node("MatMul", ["s", "w"], ["m"]),
        helper.make_node("Slice", ["m", "zero", "zero", "one"], ["empty"]),
        helper.make_node("Relu", ["empty"], ["never"]),
        helper.make_node("Concat", ["m", "never"], ["joined"], axis=1),
        helper.make_node("Add", ["joined", "still"], ["y"]),
    ]
    model = write_model(
        tmp_path / "model",
        nodes,
        [("ids", "int32", (None, 4)), ("bias", "float32", (None, 4, 8))],
        [("y", "float32", (None, 4, 8))],
        table=weight(50, 8),
        w=weight(8, 8),
        zero=np.array([0]),
        one=np.array([1]),
    )
    feeds = {
        "ids": RANDOM.integers(0, 50, (6, 4)).astype(np.int32),
        "bias": RANDOM.normal(0, 1, (6, 4, 8)).astype(np.float32),
    }
    quantized = apply(model, write_samples(tmp_path / "samples", **feeds), tmp_path / "work")
    wanted = run(model / "model.onnx", **feeds)[0]
    for found in everywhere(quantized, **feeds):
        assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_a_fixed_batch_is_filled_up(tmp_path, samples):
    model = write_model(
        tmp_path / "model",
        [helper.make_node("Conv", ["image", "w"], ["y"])],
        [("image", "float32", (8, 3, 8, 8))],
        [("y", "float32", (8, 4, 8, 8))],
        w=weight(4, 3, 1, 1),
    )
    quantized = apply(model, samples, tmp_path / "work")
    wanted = run(model / "model.onnx", image=SAMPLES[:8])[0]
    for found in everywhere(quantized, image=SAMPLES[:8]):
        assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_values_that_are_not_finite_are_refused(network, tmp_path):
    broken = SAMPLES.copy()
    broken[3, 0, 0, 0] = np.nan
    folder = write_samples(tmp_path / "samples", image=broken)
    with pytest.raises(PipelineError, match="makes values that are not finite, in image"):
        apply(network, folder, tmp_path / "work")


def test_missing_and_misshapen_samples_are_refused(network, tmp_path):
    other = write_samples(tmp_path / "other", picture=SAMPLES)
    with pytest.raises(PipelineError, match="calibration samples lack inputs: image"):
        apply(network, other, tmp_path / "work")
    small = write_samples(tmp_path / "small", image=SAMPLES[:, :, :4])
    with pytest.raises(PipelineError, match="calibration sample does not run"):
        apply(network, small, tmp_path / "work")
