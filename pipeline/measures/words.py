"""Numbers and names as people read them, the same in every form of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.measures.metrics import metric_of

#: What a proof's status looks like where colour alone would not do.
MARKS = {"pass": "✓", "fail": "✗", "unavailable": "–"}

#: Passed, but beyond a bound by less than the samples can tell.
UNDECIDED = "≈"

STATUS = {"pass": "passed", "fail": "failed", "unavailable": "could not run"}

ENGINES = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit"}

#: What loads a format in a browser, by the first part of the format's name.
RUNTIMES = {"tfjs": "TensorFlow.js", "onnx": "ONNX Runtime"}

KINDS = {"cpu": "CPU", "gpu": "GPU", "software": "software rasterizer, no GPU"}


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


def with_unit(value: float, unit: str) -> str:
    """Three digits are enough for a measure: ``3.21 px``, ``1,204 px``."""
    return f"{value:,.0f} {unit}" if abs(value) >= 100 else f"{value:.3g} {unit}"


_UNITS: Mapping[str, Callable[[float], str]] = {
    "number": number,
    "cosine": "{:.6f}".format,
    "percent": percent,
    "dB": "{:.0f} dB".format,
    "ratio": ratio,
    "bytes": size,
    "count": "{:.0f}".format,
    "sum": "{:,.0f}".format,
    "yes or no": lambda value: "yes" if value else "no",
}


def metric(name: str, of: str = "") -> str:
    return metric_of(name, of).words


def short_metric(name: str) -> str:
    """As short as a chart needs it."""
    return metric_of(name).short or metric_of(name).words


def value_of(name: str, value: float | None, of: str = "") -> str:
    """A metric's value in its own unit.

    Args:
        of: as ``metric_of`` takes it.
    """
    if value is None:
        return "not measured"
    unit = metric_of(name, of).unit
    return _UNITS[unit](value) if unit in _UNITS else with_unit(value, unit)


def bound(name: str, value: float, of: str = "") -> str:
    """``at most 0.5``."""
    metric = metric_of(name, of)
    if metric.unit == "yes or no":
        return "must be yes"
    return f"{'at least' if metric.is_floor else 'at most'} {value_of(name, value, of)}"


def score(measured: Mapping[str, Any] | None) -> str:
    """How right answers are, in the unit of its metric; empty where nobody measured it."""
    return value_of(measured["metric"], measured["value"]) if measured else ""


def interval(measured: Mapping[str, Any]) -> str:
    """`` (96.00% to 99.00%)`` where the interval was worked out."""
    low, high = (
        value_of(measured["metric"], measured[end]) if measured.get(end) is not None else ""
        for end in ("low", "high")
    )
    return f" ({low} to {high})" if low and high else ""


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
    backends: dict[str, list[str]] = {}
    for backend, _, browser in (name.partition("@") for name in names):
        backends.setdefault(browser, []).append(backend)
    return "; ".join(
        target(f"{joined(b)}@{browser}".rstrip("@")) for browser, b in backends.items()
    )


def count(number_of: int, singular: str, plural: str = "") -> str:
    """``1 artifact``, ``8 artifacts``."""
    return f"{number_of} {singular if number_of == 1 else plural or singular + 's'}"


def joined(parts: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    *first, end = [*parts] or [""]
    return f"{', '.join(first)} {last} {end}" if first else end
