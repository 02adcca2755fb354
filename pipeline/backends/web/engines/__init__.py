"""Browser engines, one file each, found by ``start`` and named in targets (``tfjs-wasm@firefox``).

An engine's module has ``unavailable() -> str | None`` (a cheap reason why it cannot run here),
``fingerprint()`` (what of it can change a result), ``watched()`` (files that ``fingerprint``
speaks of), ``settings()`` (when they change, a running browser is started again),
``renderer(backend)`` (what draws, where the engine does not tell its pages) and
``start() -> Browser`` (``pipeline/backends/web/driver.py``).
"""
