"""A config for a model that was looked at, as YAML with comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.backends.targets import parse
from pipeline.draft.look import PLAIN, TARGETS, Seen
from pipeline.draft.source import Named
from pipeline.inputs.contract import Proposal, inputs
from pipeline.tasks.find import default_task, tasks
from pipeline.tensors.shapes import shown
from pipeline.tensors.signature import TensorSpec

#: Of axes beside the batch that take any size, where no kind of input says more.
FREE_SIZE = 64

#: What 8 bits may cost before a tensor stays as it is: half of what is refused.
KEEP = {"relative_error": 0.3, "worst_sample_error": 0.6}
VARIANTS: Mapping[str, Any] = {
    PLAIN: {},
    "fp16": {"quantize": "float16"},
    "uint8": {"quantize": {"to": "uint8", "keep": KEEP}},
    "int8": {"quantize": {"to": "int8", "keep": KEEP}},
}

WIDTH = 100


@dataclass(frozen=True)
class Draft:
    """What a config says, and what its author has to look at."""

    named: Named
    seen: Seen
    task: str
    task_options: Mapping[str, Any]
    input: str | None
    """The kind, where it is not tensors as they are."""
    options: Mapping[str, Any]
    """Of the input."""
    samples: Mapping[str, Any]
    checks: Mapping[str, str]
    """Key -> what could not be told of it, or only guessed."""
    labels: tuple[str, ...] = ()

    @property
    def formats(self) -> list[str]:
        """Those that hold the model."""
        return [name for name, reason in self.seen.formats.items() if reason is None]

    @property
    def backends(self) -> list[str]:
        """What pages use most, where it can run the model."""
        able = [target for target in parse(list(TARGETS)) if any(map(target.runs, self.formats))]
        return [target.backend for target in able if target.backend not in self.seen.lacking]


def draft(named: Named, seen: Seen, samples: Mapping[str, Any] | None = None) -> Draft:
    """What a config may say of a model.

    Args:
        samples: those that there are, as a config has them.
    """
    kind, proposal = _propose_input(seen.signature.inputs)
    task, options = _propose_task(seen.signature.outputs, kind)
    samples_block = samples or named.samples
    known = inputs()[kind].options_of(named.facts.get(kind)) if kind else {}
    known = {**known, **named.options}
    told = {} if known else {"input" if kind else "samples": "; ".join(proposal.checks)}
    labels = _are_classes(seen.signature.outputs, named.labels)
    return Draft(
        named,
        seen,
        task,
        options,
        kind,
        {**proposal.options, **known},
        samples_block or proposal.samples,
        {**dict(_other_checks(named, made_up=samples_block is None)), **told},
        named.labels if labels else (),
    )


def _are_classes(outputs: Sequence[TensorSpec], labels: Sequence[str]) -> bool:
    """Whether some output has one number for each label."""
    return any(spec.shape[-1:] == (len(labels),) for spec in outputs)


def _propose_input(specs: Sequence[TensorSpec]) -> tuple[str | None, Proposal]:
    for name, kind in inputs().items():
        if proposal := kind.propose(specs):
            return name, proposal
    sizes = {spec.name: _sizes(spec) for spec in specs if None in spec.shape[1:]}
    samples = {"count": 16} | ({"sizes": sizes} if sizes else {})
    checks = [f"the sizes {named}, which are any" for named in [", ".join(sizes)] if sizes]
    return None, Proposal({}, {"random": samples}, tuple(checks))


def _sizes(spec: TensorSpec) -> list[int]:
    return [FREE_SIZE for size in spec.shape[1:] if size is None]


def _propose_task(outputs: Sequence[TensorSpec], kind: str | None) -> tuple[str, Mapping[str, Any]]:
    for name, task in tasks().items():
        if task.propose and task.input == kind:
            options = task.propose(outputs)
            if options is not None:
                return name, options
    return default_task(), {}


def _other_checks(named: Named, *, made_up: bool) -> Iterator[tuple[str, str]]:
    if not named.license:
        yield "license", "the model's own, as an SPDX identifier"
    if made_up:
        yield "samples", "your own show what is lost on what the model is for"


def to_yaml(draft: Draft) -> str:
    """The config; it ends with a line break."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    named, seen = draft.named, draft.seen
    yield "# Written by `pipeline init`. It builds as it is; what no model tells is marked: check."
    for verb, specs in (("Reads", seen.signature.inputs), ("Gives", seen.signature.outputs)):
        yield from _comment(f"{verb} {', '.join(map(_described, specs))}.")
    task = {draft.task: draft.task_options} if draft.task_options else draft.task
    values = {
        "name": named.name,
        "task": task,
        "license": named.license or "unknown",
        "source": named.source,
        "samples": draft.samples,
        "input": {draft.input: draft.options} if draft.input else None,
        "labels": list(draft.labels) or None,
    }
    for key, value in values.items():
        if value is not None:
            yield from _comment(f"check: {check}") if (check := draft.checks.get(key)) else []
            yield f"{key}: {_flow(value)}"
    yield "variants:"
    yield from (f"  {name}: {_flow(variant)}" for name, variant in VARIANTS.items())
    yield "export:"
    for name, reason in seen.formats.items():
        yield from [f"  {name}: {{}}"] if reason is None else _comment(f"{name}: {reason}", "  ")
    yield "validate:"
    for target in (target for target in TARGETS if target in seen.lacking):
        yield from _comment(f"{target}: {seen.lacking[target]}", "  ")
    yield f"  backends: {_flow(draft.backends)}"
    yield "publish: {to: artifacts/cdn}"


def _described(spec: TensorSpec) -> str:
    softmax = ", a softmax" if spec.softmax else ""
    return f"{spec.name} ({spec.dtype} {shown(spec.shape)}{softmax})"


def _comment(text: str, indent: str = "") -> list[str]:
    """Lines of a comment, none longer than ``WIDTH``."""
    first = f"{indent}# "
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=f"{first}  ",
        break_long_words=False,
    )


def _flow(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(
        [_plain(value)], default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    return text.strip()[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
