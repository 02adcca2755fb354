"""What a config says of labels of texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.options import StrictOptions


class TextClassificationOptions(StrictOptions):
    """Which labels a text has by what comes out."""

    labels: Literal["one", "many"] = "one"
    """How many of them a text has: ``one`` of those whose scores are the output, [n, labels];
    ``many`` for any number, where the output has the probability of each, [n, labels], or there is
    an output for each, [n, 2], of no and yes: labels go with these in the order of their names."""
    logits: bool = False
    """Whether outputs are logits: of a softmax for one label and for outputs of no and yes, else of
    sigmoids. A softmax that the model is known to end with is never taken for logits."""
    threshold: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """A label matches where its probability is at least this, and does not where that of its
    opposite is; between, it is unsure."""
    metric: Literal["accuracy", "f1", "roc_auc"] | None = None
    """What counts where samples have labels: ``accuracy``, that all labels of a text are right;
    ``f1`` or ``roc_auc``, each the mean over labels. Without it accuracy for one label, F1 for
    many."""
