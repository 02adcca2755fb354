"""What the optimizer is asked for, and what came of it, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.benchmarks.optimized.row import MODEL, Row, float32

#: Largest losses of accuracy, in shares; 0.01 is a point.
HALF_A_POINT, A_POINT = 0.005, 0.01
TFJS_BYTES, ONNX_BYTES = 70_000, 80_000
FASTER = 1.8
BETTER_DB = 10.0


def answers(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Each thing asked for, and what comes nearest to it."""
    for model in dict.fromkeys(row.model for row in rows):
        of_model = [row for row in rows if row.model == model]
        yield from (_of_digits(of_model) if model == MODEL else _beside(model, of_model))


def _of_digits(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    yield f"TF.js of {TFJS_BYTES // 1000} KB, 0.5 points", _smallest(rows, "tfjs-graph/")
    yield f"ONNX of {ONNX_BYTES // 1000} KB, 0.5 points", _smallest(rows, "onnx/")
    for target in ("tfjs-wasm", "ort-wasm"):
        yield f"{FASTER} times as fast on {target}, 1 point", _fastest(rows, target)


def _smallest(rows: Sequence[Row], prefix: str) -> str:
    found = _keeping(rows, HALF_A_POINT, lambda row: row.maker.startswith(prefix))
    best = min(found, key=lambda row: row.wire_bytes)
    return f"{best.maker} {best.wire_bytes / 1000:.1f} KB, {_lost(best, rows)}"


def _fastest(rows: Sequence[Row], target: str) -> str:
    found = _keeping(rows, A_POINT, lambda row: target in dict(row.speeds))
    best = max(found, key=lambda row: dict(row.speeds)[target])
    return f"{best.maker} {dict(best.speeds)[target]:.2f} times, {_lost(best, rows)}"


def _keeping(rows: Sequence[Row], most: float, wanted: Callable[[Row], bool]) -> list[Row]:
    """Ours that lose no more than ``most``; float32 among them, so that there is always one."""
    kept = [row for row in rows if row.ours and wanted(row)]
    return [row for row in kept if float32(rows).quality - row.quality <= most + 1e-9]


def _lost(row: Row, rows: Sequence[Row]) -> str:
    return f"{100 * (float32(rows).quality - row.quality):.2f} points lost"


def _beside(model: str, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Ours in 8 bits against the peer's, of another model."""
    peer = next(row for row in rows if not row.ours)
    our = next(row for row in rows if row.ours and not row.reference)
    sizes = f"{our.wire_bytes / 1000:.0f} KB beside {peer.wire_bytes / 1000:.0f}"
    if our.unit == "%":
        lost = f"{_lost(our, rows)}, the peer's {_lost(peer, rows)}"
        yield f"{model} in 8 bits, 0.5 points", f"{lost}, {sizes}"
    else:
        better = our.quality - peer.quality
        yield f"{model} in 8 bits, {BETTER_DB:.0f} dB better", f"{better:.1f} dB better, {sizes}"
