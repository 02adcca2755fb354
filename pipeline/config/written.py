"""What a search writes into a config: bounds that the variant keeps, and where it is exported."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline.backends.targets import Target
from pipeline.config.bounds import asked
from pipeline.config.config import Config
from pipeline.config.gates import Gates
from pipeline.config.type import config_type
from pipeline.measures.miss import FLOORS

#: Keys of ``validate.gates`` -> metric -> bound.
Entries = dict[str, dict[str, Any]]


def raw_config(config: Config) -> dict[str, Any]:
    """A config as it would be written."""
    return config.model_dump(mode="json", by_alias=True, exclude_unset=True)


def checked(raw: Mapping[str, Any], like: Config) -> Config:
    """A written config as ``load_config`` would give it."""
    config = config_type().model_validate(raw)
    config._path = like.path
    return config


def with_gates(raw: Mapping[str, Any], entries: Entries) -> Entries:
    """The gates of a written config, with more entries."""
    gates: Entries = dict(raw.get("validate", {}).get("gates", {}))
    gates |= {key: {**gates.get(key, {}), **bounds} for key, bounds in entries.items()}
    return {key: bounds for key, bounds in gates.items() if bounds}


def gates_for(
    gates: Mapping[str, Gates],
    variant: str,
    keep: Gates,
    formats: Collection[str],
    targets: Sequence[Target],
) -> Entries:
    """Entries by which a variant keeps ``keep`` besides ``gates``: of two bounds the tighter.

    Most need one entry, the variant's. A gate that names an artifact or a place decides over it,
    and is answered by entries that name both.
    """
    kept = keep.model_dump(mode="json", exclude_none=True)
    if not kept:
        return {}
    general = [
        gates[key].model_dump(exclude_none=True) for key in ("default", variant) if key in gates
    ]
    entries: Entries = {variant: _tighter(kept, *general)}
    own = gates[variant].model_dump(exclude_none=True) if variant in gates else {}
    written = {**gates, variant: Gates(**own | entries[variant])}
    for artifact, target in ((f"{f}/{variant}", t) for f in formats for t in targets if t.runs(f)):
        wanted = _tighter(kept, asked(artifact, target, gates))
        found = asked(artifact, target, written)
        if lost := {m: bound for m, bound in wanted.items() if found[m] != bound}:
            entries[f"{artifact} {target.id}"] = lost
    return entries


def _tighter(kept: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    """For each metric of ``kept`` the tightest bound that is asked for."""
    return {
        metric: (max if metric in FLOORS else min)(
            [bound, *(other[metric] for other in others if metric in other)]
        )
        for metric, bound in kept.items()
    }


def exports_without(
    raw: Mapping[str, Any], variant: str, formats: Collection[str]
) -> dict[str, list[str]]:
    """The ``variants`` of every other format, without this one.

    Nobody knows what a recipe is worth in a format that was not searched.
    """
    found = {}
    for name in sorted(set(raw["export"]) - set(formats)):
        chosen = (raw["export"][name] or {}).get("variants")
        every = list(raw["variants"]) if chosen is None else chosen
        if variant in every:
            found[name] = [one for one in every if one != variant]
    return found
