"""The strict, frozen base of everything that a config can say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)

from pipeline.base.docstrings import texts_of

LOCAL = "local path"


def resolve(path: Path, info: ValidationInfo) -> Path:
    """Read a config's paths from where the config lies, and find missing ones early."""
    if not info.context:
        return path
    target: Path = info.context["folder"] / path
    if not target.exists():
        raise ValueError(f"there is no {target}")
    return target.resolve()


def check_name(name: str, names: Collection[str]) -> str:
    """The name.

    Raises:
        ValueError: it is none of the names, of which the likeliest is told.
    """
    if name in names:
        return name
    lower = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), lower, n=1)
    hint = f"; did you mean {lower[close[0]]!r}?" if close else ""
    raise ValueError(f"{name!r} is none of {', '.join(names)}{hint}")


def as_list(value: Any) -> Any:
    """A single word of a config as the list that it stands for."""
    return [value] if isinstance(value, str) else value


#: A file or folder on this machine. Its content, not its name, is part of a step's key.
InputPath = Annotated[Path, AfterValidator(resolve), Field(json_schema_extra={"format": LOCAL})]


class StrictOptions(BaseModel):
    """Options of one source, technique, format, task or backend.

    ``shorthand`` names the field that a bare value stands for, so that
    ``quantize: uint8`` and ``quantize: {to: uint8}`` mean the same.
    """

    # What a field may hold can depend on plug-ins, which are looked for when it is first needed.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    shorthand: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _expand_shorthand(cls, value: Any) -> Any:
        if cls.shorthand is not None and not isinstance(value, (Mapping, BaseModel)):
            return {cls.shorthand: value}
        return {} if value is None else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Show editors the short spellings too: a bare value, or nothing at all."""
        schema = handler(core_schema)
        full = handler.resolve_ref_schema(schema)
        for name, text in texts_of(cls).items():
            field = cls.model_fields.get(name)
            shown = full["properties"].get(field.alias or name) if field else None
            if shown is not None:
                shown.setdefault("description", text)
        short = []
        if cls.shorthand is not None:
            short.append(full["properties"][cls.shorthand])
        if not full.get("required") and not full.get("minProperties"):
            short.append({"type": "null"})
        return {"anyOf": [schema, *short]} if short else schema

    def local_paths(self) -> dict[str, Path]:
        """Files and folders that a step with these options reads, by input name."""
        return {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if (field.json_schema_extra or {}) == {"format": LOCAL} and getattr(self, name)
        }

    def written(self) -> dict[str, Any]:
        """What a config says of these options."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def key(self) -> dict[str, Any]:
        """What of these options decides the step's result: all but where local files lie."""
        return self.model_dump(mode="json", exclude=set(self.local_paths()))


class NoOptions(StrictOptions):
    """Of a step that has no choices."""
