"""A config with some parts in the place of others, as a search tries and settles them.

What was parsed stays as it is: only a recipe is parsed, against the type of the variants.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline.backends.targets import Target
from pipeline.config.bounds import merge_bounds
from pipeline.config.config import Config
from pipeline.measures.bounds import Gates, parse_gates
from pipeline.measures.metrics import metric_of

#: A variant as a config says it: technique key -> its options.
Recipe = dict[str, Any]

#: Keys of ``validate.gates`` -> metric -> bound.
Entries = dict[str, dict[str, Any]]


def parse_variants(config: Config, recipes: Mapping[str, Recipe]) -> dict[str, Any]:
    """Variants of a config's own type.

    Raises:
        ValidationError: a recipe is no variant.
    """
    kind = type(next(iter(config.variants.values())))
    return {name: kind.model_validate(recipe) for name, recipe in recipes.items()}


def merge_gates(gates: Mapping[str, Gates], entries: Entries) -> dict[str, Gates]:
    """Gates with more bounds, which replace those of the same key and metric."""
    added = {key: parse_gates({**gates.get(key, {}), **more}) for key, more in entries.items()}
    return {**gates, **added}


def choose_formats(config: Config, variants: Mapping[str, Sequence[str] | None]) -> Any:
    """An ``export`` of these formats, and in each of these variants; ``None`` for all of them."""
    formats = {
        format_.name: options.model_copy(update={"variants": variants[format_.name]})
        for format_, options in config.export.formats()
        if format_.name in variants
    }
    return type(config.export)(**formats)


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
    if not keep:
        return {}
    general = [gates[key] for key in ("default", variant) if key in gates]
    entries: Entries = {variant: _tighter(keep, *general)}
    changed = merge_gates(gates, entries)
    for artifact, target in ((f"{f}/{variant}", t) for f in formats for t in targets if t.runs(f)):
        bounds = _tighter(keep, merge_bounds(artifact, target, gates))
        held = merge_bounds(artifact, target, changed)
        if lost := {m: bound for m, bound in bounds.items() if held[m] != bound}:
            entries[f"{artifact} {target.id}"] = lost
    return entries


def _tighter(keep: Gates, *others: Gates) -> dict[str, float]:
    """For each metric of ``keep`` the tightest bound that is asked for."""
    return {
        metric: metric_of(metric).tightest([bound, *(o[metric] for o in others if metric in o)])
        for metric, bound in keep.items()
    }


def exports_without(config: Config, variant: str, formats: Collection[str]) -> dict[str, list[str]]:
    """The ``variants`` of every other format, without this one.

    Nobody knows what a recipe is worth in a format that was not searched.
    """
    exported = {
        format_.name: list(config.variants) if options.variants is None else options.variants
        for format_, options in config.export.formats()
        if format_.name not in formats
    }
    return {
        name: [variant_name for variant_name in variants if variant_name != variant]
        for name, variants in sorted(exported.items())
        if variant in variants
    }
