"""Numbers and names as people read them, the same in every form of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.measures.miss import FLOORS

#: What a proof's status looks like where colour alone would not do.
MARKS = {"pass": "✓", "fail": "✗", "unavailable": "–"}

#: Passed, but beyond a bound by less than the samples can tell.
UNDECIDED = "≈"

STATUS = {"pass": "passed", "fail": "failed", "unavailable": "could not run"}

ENGINES = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit"}

#: What loads a format in a browser, by the first part of the format's name.
RUNTIMES = {"tfjs": "TensorFlow.js", "onnx": "ONNX Runtime"}

KINDS = {"cpu": "CPU", "gpu": "GPU", "software": "software rasterizer, no GPU"}

METRICS = {
    "max_abs_error": "max error",
    "mean_abs_error": "mean error",
    "relative_error": "relative error",
    "elementwise_relative_error": "relative error, by element",
    "cosine": "cosine",
    "snr_db": "signal to noise",
    "share_over_0_01": "off by more than 0.01",
    "share_over_0_1": "off by more than 0.1",
    "nonfinite": "NaN or infinite",
    "logits_max_abs_error": "max error of logits",
    "top1_agreement": "same top class",
    "top5_agreement": "same top 5 classes",
    "accuracy_drop": "accuracy lost",
    "latency_ratio": "time relative to fp32",
    "bytes": "bytes",
    "wire_bytes": "bytes on the wire",
    "half_precision": "safe in half precision",
    "product_sum": "sum of two products",
}


def size(count: float) -> str:
    """Bytes in decimal units, as browsers' network panels give them."""
    if count < 1000:
        return f"{count:.0f} B"
    return f"{count / 1000:.1f} KB" if count < 10**6 else f"{count / 10**6:.2f} MB"


def percent(share: float) -> str:
    return f"{share:.2%}"


def milliseconds(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f} ms"
    return f"{value:.1f} ms" if value >= 1 else f"{value:.2g} ms"


def number(value: float) -> str:
    """Two digits are enough for an error."""
    return "0" if value == 0 else f"{value:.2g}"


def ratio(value: float) -> str:
    return f"{value:.2f}×"


def metric(name: str) -> str:
    return METRICS.get(name, name.replace("_", " "))


def value_of(name: str, value: float | None) -> str:
    """A metric's value in its own unit."""
    return "not measured" if value is None else _UNITS.get(name, number)(value)


_UNITS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("top1_agreement", "top5_agreement", "accuracy_drop"), percent),
    **dict.fromkeys(("share_over_0_01", "share_over_0_1"), percent),
    "snr_db": "{:.0f} dB".format,
    "bytes": size,
    "wire_bytes": size,
    "half_precision": lambda safe: "yes" if safe else "no",
    "product_sum": "{:,.0f}".format,
    "latency_ratio": ratio,
    "nonfinite": "{:.0f}".format,
    "cosine": "{:.6f}".format,
}


def bound(name: str, value: float) -> str:
    """``at most 0.5``."""
    if name == "half_precision":
        return "must be yes"
    limit = "at least" if name in FLOORS else "at most"
    return f"{limit} {value_of(name, value)}"


def interval(measured: Mapping[str, Any], shown: Callable[[float], str]) -> str:
    """`` (96.00% to 99.00%)`` where the interval was worked out."""
    low, high = measured.get("low"), measured.get("high")
    return "" if low is None or high is None else f" ({shown(low)} to {shown(high)})"


def engine(name: str | None) -> str:
    return ENGINES.get(name or "", name or "")


def runtime(format_name: str) -> str:
    return RUNTIMES.get(format_name.partition("-")[0], format_name)


def target(name: str) -> str:
    """``tfjs-wasm@chromium`` as ``tfjs-wasm in Chromium``."""
    backend, _, browser = name.partition("@")
    return f"{backend} in {engine(browser)}" if browser else backend


def targets(names: Iterable[str]) -> str:
    """Several of them: ``tfjs-wasm and tfjs-webgl in Firefox; onnxruntime-cpu``."""
    found: dict[str, list[str]] = {}
    for backend, _, browser in (name.partition("@") for name in names):
        found.setdefault(browser, []).append(backend)
    return "; ".join(target(f"{joined(b)}@{browser}".rstrip("@")) for browser, b in found.items())


def count(number_of: int, one: str, many: str = "") -> str:
    """``1 artifact``, ``8 artifacts``."""
    return f"{number_of} {one if number_of == 1 else many or one + 's'}"


def joined(parts: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    *first, end = [*parts] or [""]
    return f"{', '.join(first)} {last} {end}" if first else end
