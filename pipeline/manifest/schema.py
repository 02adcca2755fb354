"""The JSON Schemas of ``manifest.json`` and ``page.json``, made of their types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TypedDictSchema

from pipeline.base.docstrings import texts_of
from pipeline.manifest.page import PageManifest
from pipeline.manifest.release import ReleaseManifest
from pipeline.measures.metric import Metric
from pipeline.measures.metrics import all_metrics

FOLDER = Path(__file__).parent

#: Where each lies, and what it is of. The client's types are generated from them too.
SCHEMAS = {
    FOLDER / "manifest.schema.json": ReleaseManifest,
    FOLDER / "page.schema.json": PageManifest,
}


class _Generate(GenerateJsonSchema):
    """With the texts below fields as descriptions, and without a title at each field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def typed_dict_schema(self, schema: TypedDictSchema) -> JsonSchemaValue:
        typed = super().typed_dict_schema(schema)
        kind = schema["cls"]
        if not hasattr(kind, "__pydantic_config__"):  # it has its parent's
            typed.pop("additionalProperties", None)
        for name, text in texts_of(kind).items():
            typed["properties"][name]["description"] = " ".join(text.split())
        if "description" in typed:
            typed["description"] = " ".join(typed["description"].split())
        if kind.__name__ == "Parity":
            typed["properties"] |= _agreement()
        return typed


def _agreement() -> dict[str, Any]:
    """What tasks measure of answers; null where a model has no such thing."""
    return {
        name: {
            "anyOf": [{"type": "number", **_range(metric)}, {"type": "null"}],
            "description": f"Of the task: {metric.words}.",
        }
        for name, metric in all_metrics().items()
        if metric.of == "answers"
    }


def _range(metric: Metric) -> dict[str, float]:
    gate = metric.gate
    bounds = {"minimum": gate.least, "maximum": gate.most} if gate else {}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def text(kind: Any) -> str:
    """A JSON Schema, as it lies in its file."""
    schema = TypeAdapter(kind).json_schema(schema_generator=_Generate)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1) + "\n"
