"""The JSON Schema of configs, for completion and checks in editors."""

from __future__ import annotations

import json
from pathlib import Path

PATH = Path(__file__).parent / "config.schema.json"


def text() -> str:
    """The schema of everything that discovery finds, as it stands in ``config.schema.json``."""
    from pipeline.config.type import config_type

    schema = config_type().model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Pipeline config"
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"
