"""What values of a manifest may be: types, with what only a JSON Schema can say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core.core_schema import CoreSchema

Kind = TypeVar("Kind")


@dataclass(frozen=True, eq=False)  # a type has to be hashable with it
class Says:
    """Keywords that are added to a type's JSON Schema."""

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), **self.keywords}


def closed(**keywords: Any) -> Callable[[type[Kind]], type[Kind]]:
    """Nothing may stand in such a mapping but what is declared; and keywords of its schema."""

    def mark(kind: type[Kind]) -> type[Kind]:
        kind.__pydantic_config__ = {  # type: ignore[attr-defined]
            "extra": "forbid",
            "json_schema_extra": keywords,
        }
        return kind

    return mark


Digest = Annotated[str, Says({"pattern": "^[0-9a-f]{64}$"})]
ReleaseId = Annotated[str, Says({"pattern": "^[0-9a-f]{16}$"})]
Moment = Annotated[str, Says({"format": "date-time"})]
Count = Annotated[int, Says({"minimum": 0})]
Some = Annotated[int, Says({"minimum": 1})]
Share = Annotated[float, Says({"minimum": 0, "maximum": 1})]
Positive = Annotated[float, Says({"exclusiveMinimum": 0})]
NotNegative = Annotated[float, Says({"minimum": 0})]
Cosine = Annotated[float, Says({"minimum": -1.000001, "maximum": 1.000001})]
Decibel = Annotated[float, Says({"minimum": -200, "maximum": 200})]

#: The kind of input that the model reads, and how it becomes tensors: as in the config.
Input = Annotated[dict[str, dict[str, Any]], Says({"minProperties": 1, "maxProperties": 1})]
