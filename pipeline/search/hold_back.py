"""Samples for a search: a part of the calibration split takes the place of the test split."""

from __future__ import annotations

from pathlib import Path

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import ConfigError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.tasks.truth import read_truth
from pipeline.tensors.arrays import Array, NDArray, np
from pipeline.tensors.per_sample import ORIGINS, PerSample

#: How much outputs differ from sample to sample, which errors are a share of, is known of two.
FEWEST = 2


class HoldBackOptions(StrictOptions):
    """How many, and which."""

    share: float
    seed: int


@step(version=4, tools=("numpy",), quick=True)
def hold_back(samples: SamplesFolder, options: HoldBackOptions, work: Path) -> None:
    """SAMPLES -> SAMPLES whose both splits are of the calibration split alone.

    Raises:
        ConfigError: there are too few calibration samples to be divided.
    """
    from pipeline.samples import folder

    # The test split lies beside it, and is not opened.
    calibration = samples.calibration
    arrays, origins = calibration.inputs(), PerSample.read(calibration.folder, ORIGINS)
    purpose, truth = read_truth(samples, "calibration") or (None, None)
    count = len(next(iter(arrays.values())))
    if count <= FEWEST:
        raise ConfigError(
            f"a search holds back {FEWEST} calibration samples or more and learns from the rest, "
            f"and there {'is' if count == 1 else 'are'} {count}",
            where="samples",
            todo="give more calibration samples",
        )
    kinds = purpose.task.kinds if purpose else None
    labels = kinds(truth) if kinds and truth else None
    held = choose_held(count, labels, options.share, options.seed)
    splits = {}
    for name, rows in zip(folder.SPLITS, (~held, held), strict=True):
        values = {key: array[rows] for key, array in arrays.items()}
        parts = (
            arrays.rows(np.flatnonzero(rows)) if arrays else None for arrays in (truth, origins)
        )
        splits[name] = folder.Split(values, *parts)
    facts = samples.description
    described = f"held back for a search: {facts['description']}"
    named = facts["license"] or ""
    folder.write(work, splits, description=described, license_name=named, task=purpose)


def choose_held(count: int, kinds: Array | None, share: float, seed: int) -> NDArray[np.bool_]:
    """Which samples are held back: bool [count], of each kind the same share.

    At least two samples are held back, and one is left.
    """
    chance = np.random.default_rng(seed)
    kinds = np.zeros(count, np.int64) if kinds is None else kinds
    place = np.empty(count)
    for kind in np.unique(kinds):
        rows = chance.permutation(np.flatnonzero(kinds == kind))
        # Where each sample stands within its kind, from 0 to 1: the first ones of all kinds
        # make up the share.
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    most = min(max(FEWEST, round(share * count)), count - 1)
    held = np.zeros(count, np.bool_)
    held[np.argsort(place, kind="stable")[:most]] = True
    return held
