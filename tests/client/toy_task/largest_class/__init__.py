"""A toy task: where the largest output of each sample stands. Its twin is ``task.js``."""

from pipeline.base.options import StrictOptions
from pipeline.measures.metric import Limits, Metric
from pipeline.measures.score import Score
from pipeline.tasks.contract import Line, Shown, Task
from pipeline.tensors.arrays import np
from pipeline.tensors.per_sample import PerSample

#: Outputs stand side by side, so many pixels of the input apart.
APART = 1000


class ToyOptions(StrictOptions):
    """Which outputs count."""

    among: int = 1000
    """Only so many of the first ones."""


def _largest(outputs, about):
    (values,) = outputs.values()
    return values.reshape(len(values), -1)[:, : about.options.among].argmax(axis=1)


def _truth(said, about):
    return PerSample({"wanted": np.array([one["label"] for one in said], np.int64)})


def _score(outputs, truth, about):
    off = APART * np.abs(_largest(outputs, about) - truth.arrays["wanted"])
    in_image = off / about.origins.arrays["scale"][:, 1]
    return Score("toy_distance", len(off), lambda rows: float(in_image[rows].mean()))


def _agree(outputs, golden, about):
    same = _largest(outputs, about) == _largest(golden, about)
    return {"toy_agreement": float(same.mean())}


def _show(source, artifact, truth, about):
    given, wanted = (
        int(_largest({key: values[None] for key, values in one.items()}, about)[0])
        for one in (artifact, source)
    )
    line = Line("the toy's largest", str(wanted), str(given), right=given == truth["wanted"])
    return Shown([line], f"wanted {int(truth['wanted'])}", given != wanted)


TASK = Task(
    "largest-class",
    ToyOptions,
    metrics=(
        Metric(
            "toy_agreement",
            "same largest",
            "answers",
            better="higher",
            unit="percent",
            gate=Limits("Share of samples with the same largest output.", least=0, most=1),
            interval="share",
        ),
        Metric("toy_distance", "mean distance", "truth", unit="px"),
    ),
    input="image",
    example="const { index } = await model.largest(image);",
    truth=_truth,
    score=_score,
    agree=_agree,
    show=_show,
)
