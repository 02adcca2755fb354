"""What this machine can run, for plans that another one makes."""

from __future__ import annotations

import os

from pipeline.backends.elsewhere import TargetFacts
from pipeline.backends.gpu import host_gpu
from pipeline.backends.targets import list_targets
from pipeline.engine.step import BACKGROUND

#: Every machine has them: the packages are the same everywhere.
LANES = ("light", "tensorflow", *BACKGROUND)
#: What this machine is called, where it is one of several; processes of steps inherit it.
NAME = "PIPELINE_MACHINE"


def name() -> dict[str, str]:
    """What a proof says of where it ran besides the hardware; nothing of the only machine."""
    return {"machine": os.environ[NAME]} if NAME in os.environ else {}


def list_facts() -> list[TargetFacts]:
    """What there is to say of each target there can be."""
    gpu = host_gpu() is not None
    return [
        TargetFacts(target.id, target.unavailable(), target.fingerprint(), gpu)
        for target in list_targets()
    ]


def list_lanes() -> list[str]:
    """The kinds of steps that can run here."""
    able = {target.lane for target in list_targets() if target.unavailable() is None}
    return sorted({*LANES, *able})
