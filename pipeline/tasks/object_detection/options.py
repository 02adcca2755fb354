"""What a config says of a detector: which output holds what, and how answers are made of it.

The same model has its sigmoid in the graph in one format and outside in another, and its numbers
in one tensor or in several: so each part names its tensor, columns and activation.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.options import StrictOptions
from pipeline.tasks.part import Part, Positive, Share


class Boxes(Part):
    """Where the four numbers of each box stand, and what they are."""

    order: Literal["yxyx", "xyxy", "xywh", "cxcywh", "cycxhw", "wh", "hw", "ltrb"] = "yxyx"
    """What they are, in their order: edges; ``xywh``, the left and upper edge and sizes;
    ``cxcywh`` and ``cycxhw``, the centre and sizes; with ``centers`` sizes alone, or ``ltrb``, how
    far the left, upper, right and lower edge are from the centre."""

    scale: Positive | tuple[Positive, Positive, Positive, Positive] = 1.0
    """What they are divided by to be shares of the input or of an anchor, or cells with
    ``centers``: one number, or one for each of x, y, width and height (of edges: x and y). Of an
    SSD head often [10, 10, 5, 5]."""

    exponential: bool = False
    """Whether sizes are powers of e, relative to the anchor's, as SSD heads have them."""


class Classes(Part):
    """Where the class of each box stands, in graphs that choose it themselves."""

    first: int = 0
    """The number of the first class."""


class Anchors(StrictOptions):
    """What boxes of a raw head are relative to, as MediaPipe's SsdAnchorsCalculator makes them."""

    size: Annotated[int, Field(ge=1, le=4096)] | tuple[int, int]
    """Height and width of the input; one number where they are equal."""

    strides: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(min_length=1, max_length=16)
    """Pixels between anchors, of each layer; neighbours of one stride share their places."""

    aspect_ratios: tuple[Positive, ...] = Field(default=(1.0,), max_length=16)
    """Widths as a share of heights."""

    interpolated: Annotated[float, Field(ge=0)] = 1.0
    """The ratio of one more anchor, of a size between a layer's and the next one's; 0: none."""

    scales: tuple[Share, Share] = (0.2, 0.95)
    """Sizes in the first and the last layer, as a share of the input."""

    offset: Share = 0.5
    """Where an anchor's centre lies between one place and the next."""

    fixed_size: bool = False
    """Whether each is as large as the input, so that sizes are a share of that."""

    reduce_lowest: bool = False
    """Whether the first layer has three anchors a place: a small one, and ratios 2 and 0.5."""


class Centers(StrictOptions):
    """Of heads that tell where centres are: ``scores`` is a map of them, ``boxes`` one of sizes or
    of distances to the edges."""

    offsets: Part | None = None
    """From a cell to the centre, in cells."""

    order: Literal["xy", "yx"] = "xy"
    """Of the offsets."""

    window: Annotated[int, Field(ge=1, le=31)] = 3
    """A centre has the highest score of a square of so many cells."""

    @model_validator(mode="after")
    def _has_a_middle(self) -> Centers:
        if self.window % 2 == 0:
            raise ValueError("the window needs a cell in its middle: 3, 5, …")
        return self


class Suppression(StrictOptions):
    """How several boxes of one object become one."""

    kind: Literal["plain", "weighted"] = "plain"
    """``plain``: the surest box stays. ``weighted``: those that it meets are averaged by score, as
    MediaPipe does."""

    iou: Share = 0.5
    """Boxes that overlap by more (intersection over union) are of one object."""

    by_class: bool = False
    """Whether each class is taken by itself, and a box may be of several; else it is of its
    likeliest class, and meets boxes of all."""

    compat: bool = False
    """Answer as the npm package @tensorflow-models/coco-ssd does: its score threshold is the
    overlap from which boxes are one object too, and ``iou`` is not used."""


class Options(StrictOptions):
    """Boxes around objects: which outputs hold them, and what counts as an answer."""

    boxes: Boxes
    """Where boxes stand."""
    scores: Part
    """Where scores stand: a column for each class."""
    classes: Classes | None = None
    """Where the class of each box stands, if the graph chooses it: scores then have one column."""
    keypoints: Part | None = None
    """Where points of each box stand: x and y of each, relative to anchors and scaled as x and y of
    its box."""
    anchors: Anchors | None = None
    """What boxes are relative to, in the order of the outputs."""
    centers: Centers | None = None
    """For heads that tell centres, as CenterNet's."""
    nms: Suppression | None = Field(default=Suppression())
    """Non-maximum suppression; null for a graph that has its own."""
    threshold: Share = 0.5
    """The lowest score of an answer."""
    max: Annotated[int, Field(ge=1, le=1000)] = 100
    """The most answers to a picture."""
    clip: bool = False
    """Whether boxes end where the picture does."""
    metric: Literal["average_precision", "average_precision_50"] = "average_precision"
    """What is measured where samples say what is in them: COCO's average precision, the mean of
    overlaps from 0.50 to 0.95, or that at 0.5."""

    @model_validator(mode="after")
    def _fits(self) -> Options:
        if (self.boxes.order in ("wh", "hw", "ltrb")) != (self.centers is not None):
            raise ValueError("boxes.order wh, hw and ltrb go with centers, and no others do")
        if self.centers and (self.anchors or self.keypoints or self.classes):
            raise ValueError("centers go without anchors, keypoints and classes")
        if self.anchors and self.boxes.order not in ("cxcywh", "cycxhw"):
            raise ValueError("boxes that are relative to anchors are cxcywh or cycxhw")
        return self
