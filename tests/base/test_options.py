"""Options: short spellings, and texts that only the schema shows."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.base.options import StrictOptions


class Plain(StrictOptions):
    """Has a text."""

    shorthand: ClassVar[str | None] = "size"

    size: int
    """How large it is,
    in millimetres."""
    bare: int = 0


class More(Plain):
    """Has what its base has."""

    named_: str = Field("", alias="named")
    """What it is called."""
    size: int = 3


def test_the_schema_shows_the_strings_below_fields_of_a_class_and_its_bases() -> None:
    properties = More.model_json_schema()["anyOf"][0]["properties"]
    assert properties["size"]["description"] == "How large it is,\nin millimetres."
    assert properties["named"]["description"] == "What it is called."
    assert "description" not in properties["bare"]
