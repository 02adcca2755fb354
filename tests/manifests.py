"""Manifests for tests: what a build in three engines leaves, and what goes wrong."""

from __future__ import annotations

import copy
from typing import Any

ENGINES = ("chromium", "firefox", "webkit")

SIZES = {"fp32": 891_816, "fp16": 473_200, "uint8": 264_600}


def proof(artifact: str, target: str, **more: Any) -> dict[str, Any]:
    """One entry of ``validation`` that passed."""
    backend, _, engine = target.partition("@")
    software = "web" in backend and "wasm" not in backend
    ratio = {"value": 0.9, "low": 0.85, "high": 0.95, "confidence": 0.95, "pairs": 40}
    error = {"fp32": 3e-6, "fp16": 1.4e-3, "uint8": 0.17}[artifact.split("/")[1]]
    return {
        "target": target,
        "backend": backend,
        "engine": engine or "onnxruntime",
        "required": True,
        "status": "pass",
        "reason": None,
        "hardware": {
            "kind": "software" if software else "cpu",
            "name": "SwiftShader" if software else "AMD EPYC",
            "details": {"engine_version": "156.0", "threads": 2, "simd": True},
        },
        "parity": {
            "max_abs_error": error,
            "mean_abs_error": error / 10,
            "relative_error": error,
            "cosine": 0.9999,
            "logits_max_abs_error": None,
            "nonfinite": 0,
            "top1_agreement": 0.9972,
            "outputs": {},
        },
        "accuracy": {"metric": "top1_accuracy", "value": 0.98, "samples": 360},
        "worst": [{"sample": 3, "error": error}, {"sample": 1, "error": error / 2}],
        "latency": {
            "load_ms": 20.5,
            "first_ms": 30.25,
            "median_ms": 1.5 if not software else 20.0,
            "p90_ms": 1.75,
            "p99_ms": 2.0,
            "repeats": 40,
            "ratio": None
            if artifact.endswith("fp32")
            else {**ratio, "reference": "tfjs-graph/fp32"},
        },
        "missed": [],
        "gates": {"top1_agreement": 0.98, "relative_error": 0.5},
        **more,
    }


def unavailable(target: str, reason: str, *, required: bool = False) -> dict[str, Any]:
    backend, _, engine = target.partition("@")
    return {
        "target": target,
        "backend": backend,
        "engine": engine or None,
        "required": required,
        "status": "unavailable",
        "reason": reason,
    }


def artifact(name: str, proofs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    format_, variant = name.split("/")
    size = SIZES[variant]
    return {
        "id": name,
        "format": format_,
        "variant": variant,
        "entry": "files/" + "0" * 64 + ".json",
        "files": [],
        "bytes": size,
        "br_bytes": int(size * 0.9),
        "accuracy": {
            "metric": "top1_accuracy",
            "value": 0.98,
            "samples": 360,
            "baseline": 0.9889,
            "low": 0.96,
            "high": 0.99,
        },
        "validation": proofs,
        **more,
    }


def manifest(**more: Any) -> dict[str, Any]:
    """Three TF.js artifacts and two of ONNX; WebKit has no WebGPU."""
    tfjs = [f"{b}@{e}" for b in ("tfjs-wasm", "tfjs-webgl", "tfjs-webgpu") for e in ENGINES]
    no_gpu = "WebKitGTK has no navigator.gpu"
    artifacts = [
        artifact(
            f"tfjs-graph/{variant}",
            [
                unavailable(target, no_gpu)
                if target == "tfjs-webgpu@webkit"
                else proof(f"tfjs-graph/{variant}", target)
                for target in tfjs
            ],
        )
        for variant in ("fp32", "fp16", "uint8")
    ]
    artifacts += [
        artifact(name, [proof(name, target) for target in ("onnxruntime-cpu", "ort-wasm@chromium")])
        for name in ("onnx/fp32", "onnx/fp16")
    ]
    made = {
        "schema": 1,
        "name": "digits",
        "task": "image-classification",
        "release": "0123456789abcdef",
        "created": "2026-01-02T03:04:05+00:00",
        "description": "Reads handwritten digits",
        "license": "Apache-2.0",
        "source": {"kind": "bundled", "name": "digits", "sha256": "0" * 64, "parameters": 221_114},
        "inputs": [{"name": "image", "dtype": "float32", "shape": [None, 8, 8, 1]}],
        "outputs": [{"name": "scores", "dtype": "float32", "shape": [None, 3], "softmax": True}],
        "input": {"image": {"size": [8, 8], "color": "grey", "scale": [-1, 1]}},
        "labels": ["zero", "one", "two"],
        "samples": {"description": "Digits", "license": "CC-BY-4.0", "labelled": True, "test": 360},
        "accuracy": {"metric": "top1_accuracy", "value": 0.9889, "samples": 360},
        "tools": {"model-pipeline": "0.1.0", "tensorflow": "2.21.0"},
        "artifacts": artifacts,
        **more,
    }
    return copy.deepcopy(made)


def failed() -> dict[str, Any]:
    """One artifact misses a bound in one place, and a required backend could not run."""
    made = manifest()
    uint8 = made["artifacts"][2]
    miss = {"metric": "top1_agreement", "value": 0.91, "bound": 0.98}
    miss |= {"artifact": uint8["id"], "backend": "tfjs-webgl@firefox"}
    uint8["validation"][4] |= {"status": "fail", "missed": [miss]}
    reason = "no CUDA device"
    onnx = made["artifacts"][3]
    onnx["validation"].append(unavailable("onnxruntime-cuda", reason, required=True))
    return made


def old() -> dict[str, Any]:
    """What the first version of this package wrote."""
    made = manifest()
    del made["artifacts"][1:]
    only = made["artifacts"][0]
    del only["br_bytes"], only["validation"][1:]
    del only["accuracy"]["low"], only["accuracy"]["high"]
    first = only["validation"][0]
    del first["target"], first["required"], first["worst"], first["latency"]["ratio"]
    del first["gates"], first["latency"]["p90_ms"], first["latency"]["p99_ms"]
    first["latency"]["p95_ms"] = 1.8
    return made


def cascade(small: str, large: str, **more: Any) -> dict[str, Any]:
    """A manifest's ``cascade``: a gain of a point for every tenth sample."""
    expected = {
        "metric": "top1_accuracy",
        "accuracy": 0.99,
        "low": 0.97,
        "high": 0.998,
        "samples": 180,
        "escalated": 0.1,
        "small_accuracy": 0.98,
        "large_accuracy": 0.995,
        "bytes_ratio": 0.25,
        "latency_ratio": 0.7,
        "latency_target": "tfjs-wasm@firefox",
    }
    named = {"small": small, "large": large, "threshold": 0.9, "calibrated_on": 180}
    return {**named, "expected": {**expected, **more}}
