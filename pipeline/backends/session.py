"""What an artifact that is opened where it will run offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pipeline.tensors.arrays import Array, Arrays

if TYPE_CHECKING:
    from pathlib import Path


class Unavailable(Exception):  # noqa: N818 - a state that validation records, not a bug
    """Only trying showed that the backend cannot run here; the message is the reason.

    Args:
        lasting: it would fail again as long as the backend's ``fingerprint`` is the same.
    """

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


@dataclass(frozen=True)
class Hardware:
    """What really ran."""

    kind: Literal["cpu", "gpu", "software"]
    """``software``: a GPU interface that a CPU rasterizer answers."""
    name: str
    """The CPU's name, or the renderer that WebGL names."""
    details: dict[str, Any]
    """``engine``, ``engine_version``, threads, SIMD, texture precision, …"""


@dataclass(frozen=True)
class Latency:
    """Milliseconds on a monotonic clock, from arrays in to arrays out, one sample each."""

    first_ms: float
    """The first inference of a fresh session, compilation included."""
    warm_ms: list[float]
    """One per repeat, after the warm-ups."""
    reference_ms: list[float] | None = None
    """The reference's, pair by pair: each was timed right before or right after its partner."""


class Session(Protocol):
    """An open artifact. Use it in a ``with`` statement."""

    @property
    def hardware(self) -> Hardware: ...

    @property
    def load_ms(self) -> float:
        """From asking for the artifact to having it, its files' transport included."""

    @property
    def fetched_bytes(self) -> int | None:
        """Bytes of the artifact's files fetched over HTTP; ``None`` where none are."""

    def memory(self) -> Mapping[str, int | None]:
        """``tensors``, ``tensor_bytes``, ``process_bytes``: with this artifact open and no other.

        ``None`` for what cannot be known here. ``process_bytes`` is all of the process, or of
        the browser's processes.
        """

    @property
    def batch_failure(self) -> str | None:
        """Why ``infer`` ran samples one by one, as pages do, where a batch of them failed."""

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        """Run ``n`` samples.

        Args:
            inputs: [n, …] by public input name, in the signature's dtypes.

        Returns:
            [n, …] by public output name.

        Raises:
            RunError: it does not run here, also with single samples where it takes them.
        """

    def latency(
        self,
        inputs: Arrays,
        *,
        reference: Path | None,
        warmups: int,
        repeats: int,
        seconds: float = 0.0,
    ) -> Latency:
        """Time one sample ([1, …] by public input name) in a session opened for it.

        Args:
            reference: an artifact with the same signature to be opened beside this one after
                its first inference, and timed in turn with it: A B, B A, A B, …
            warmups: untimed inferences of each after the first, at least.
            repeats: timed inferences of each.
            seconds: warm-ups go on for this long, since engines compile what runs often once more,
                and so do repeats: what is quick is timed more often. What is very slow is timed
                less often (``pace``).
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
