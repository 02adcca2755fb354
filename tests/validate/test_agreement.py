from __future__ import annotations

import numpy as np

from pipeline.validate.agreement import agreement

TASK = "image-classification"


def scores(*first: int, classes: int = 8) -> dict[str, np.ndarray]:
    """One row a sample, its highest score at ``first``, and less with every class further on."""
    rows = [np.roll(np.linspace(1, 0, classes), place) for place in first]
    return {"scores": np.array(rows, np.float32)}


def test_the_goldens_class_counts_first_and_among_five() -> None:
    golden = scores(0, 1, 2, 3)
    # The golden's class is the artifact's first, second, fifth and sixth.
    found = agreement(TASK, scores(0, 0, 6, 6), golden)
    assert found == {"top1_agreement": 0.25, "top5_agreement": 0.75}


def test_five_of_five_classes_say_nothing() -> None:
    golden, other = scores(0, 1, classes=5), scores(3, 1, classes=5)
    assert agreement(TASK, other, golden) == {"top1_agreement": 0.5, "top5_agreement": None}
    six = agreement(TASK, scores(0, classes=6), scores(0, classes=6))
    assert six == {"top1_agreement": 1.0, "top5_agreement": 1.0}


def test_tensors_have_no_classes() -> None:
    found = agreement("tensors", scores(0), scores(0))
    assert found == {"top1_agreement": None, "top5_agreement": None}
