"""The config's type, grown from the files in the folders."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Protocol, Union

from pydantic import BeforeValidator, Field, GetPydanticSchema, create_model, model_validator
from pydantic_core import PydanticKnownError

from pipeline.base.options import StrictOptions
from pipeline.config.config import Config, Name
from pipeline.config.search import Search
from pipeline.export.contract import Format, FormatOptions, formats
from pipeline.inputs.contract import inputs
from pipeline.optimize.contract import Technique, techniques
from pipeline.samples.contract import samples_kinds
from pipeline.sources.contract import sources
from pipeline.sources.cut import CutOptions
from pipeline.tasks.find import Purpose, default_task, tasks


class Configured(Protocol):
    """A plug-in that a config gives options."""

    @property
    def options(self) -> type[StrictOptions]: ...


class OneOf(StrictOptions):
    """A mapping with exactly one key that is a kind."""

    @classmethod
    def kinds(cls) -> list[str]:
        """The fields of which one is named; others say something of whichever it is."""
        return _kinds(cls)

    @model_validator(mode="after")
    def _exactly_one(self) -> OneOf:
        if len(self._named()) != 1:
            raise ValueError(f"name exactly one kind of: {', '.join(self.kinds())}")
        return self

    def _named(self) -> list[str]:
        return [kind for kind in self.kinds() if _identifier(kind) in self.model_fields_set]

    @property
    def kind(self) -> str:
        return self._named()[0]

    @property
    def options(self) -> StrictOptions:
        options: StrictOptions = getattr(self, _identifier(self.kind))
        return options


@cache
def _kinds(cls: type[OneOf]) -> list[str]:
    fields = cls.model_fields.items()
    return [field.alias or name for name, field in fields if name not in Source.model_fields]


class Source(OneOf):
    """Where the pre-trained model comes from."""

    accuracy: float | None = None
    """What the task's metric is known to be on samples like these: of a share, 0.98 is 98 %. A
    source that is far worse is not published, since most often it is not given what it was trained
    on; without this, one that is no better than chance."""
    outputs: list[str] | dict[Name, str] | None = Field(None, min_length=1)
    """Where to cut the model: its outputs are these tensors, nodes or layers of it, and what comes
    behind them falls away, such as the suppression of boxes. A mapping gives them names."""
    inputs: dict[str, Any] | None = Field(None, min_length=1)
    """Values of inputs that no user gives, as in {training: false}; they are folded in."""

    @property
    def cut(self) -> CutOptions | None:
        """What is wanted of the model; ``None`` where that is all of it."""
        if self.outputs is None and self.inputs is None:
            return None
        return CutOptions(outputs=self.outputs, fixed=self.inputs or {})

    @property
    def wanted(self) -> list[str]:
        """The tensors that alone are wanted; none for the model's own outputs."""
        outputs = self.outputs or []
        return list(outputs.values() if isinstance(outputs, dict) else outputs)

    @property
    def stated(self) -> dict[str, Any]:
        """What a config says of it beside its kind and that kind's options."""
        return self.model_dump(mode="json", include=set(Source.model_fields), exclude_none=True)


class Aim(OneOf):
    """What the model is for."""

    @property
    def purpose(self) -> Purpose:
        """As steps are told it."""
        return Purpose(name=self.kind, options=self.options.model_dump(mode="json"))


class Variant(StrictOptions):
    """A chain of techniques; none of them means the model as it is, in float32."""

    search: Search | None = None
    """Let a search find the techniques that go with those that stand beside it, if any do."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the model as it is."""
        return not self.model_fields_set

    def techniques(self) -> list[tuple[Technique, StrictOptions]]:
        """The techniques and their options, in the order in which they run."""
        keys = sorted(self.model_fields_set - {"search"})
        chain = [_technique_of(key, getattr(self, key)) for key in keys]
        return sorted(chain, key=lambda pair: pair[0].turn)


class Export(StrictOptions):
    """The formats to publish, each with its options."""

    def formats(self) -> list[tuple[Format, FormatOptions]]:
        """The formats that the config names, and their options."""
        fields = {_identifier(name): format_ for name, format_ in formats().items()}
        named = {*self.model_fields_set} & {*fields}
        return [(format_, getattr(self, f)) for f, format_ in fields.items() if f in named]


@cache
def config_type() -> type[Config]:
    """``Config`` with everything that discovery finds."""
    variant = _mapping("Variant", Variant, _techniques())
    types = {
        "source": _mapping("Source", Source, _options(sources())),
        "samples": _mapping("Samples", OneOf, _options(samples_kinds())),
        "input": _mapping("Input", OneOf, _options(inputs())),
        "task": _task(),
        "variants": Annotated[dict[Name, variant], Field(min_length=1)],  # type: ignore[valid-type]
        "export": _mapping("Export", Export, _options(formats())),
    }
    fields: dict[str, Any] = {name: (t, Config.model_fields[name]) for name, t in types.items()}
    fields["task"] = (types["task"], Field(default_task(), validate_default=True))
    created: type[Config] = create_model("Config", __base__=Config, **fields)
    return created


def _task() -> Any:
    """A task's name, or a mapping of its name to its options."""
    names = list(tasks())
    mapping = _mapping("Task", Aim, {name: task.options for name, task in tasks().items()})

    def mapped(value: Any) -> Any:
        if isinstance(value, (Mapping, StrictOptions)):
            return value
        if isinstance(value, str) and value in names:
            return {value: None}
        raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, names))})

    schema = GetPydanticSchema(
        None, lambda core, handler: {"anyOf": [{"enum": names}, handler(core)]}
    )
    return Annotated[mapping, BeforeValidator(mapped), schema]


def _options(plugins: Mapping[str, Configured]) -> dict[str, type[StrictOptions]]:
    return {name: plugin.options for name, plugin in plugins.items()}


def _mapping(title: str, base: type[StrictOptions], kinds: Mapping[str, Any]) -> Any:
    """A model with one optional field for each kind; its public key is the kind's name."""
    fields: dict[str, Any] = {
        _identifier(name): (kind, Field(None, alias=name, description=_first_line(kind)))
        for name, kind in kinds.items()
    }
    return create_model(title, __base__=base, __doc__=base.__doc__, **fields)


def _techniques() -> dict[str, Any]:
    """The options that each variant key takes.

    Techniques that share a key (``quantize``) are told apart by ``to``.
    """
    by_key: dict[str, dict[str, Technique]] = {}
    for name, technique in techniques().items():
        by_key.setdefault(technique.key, {})[name] = technique
    return {key: _technique(key, alike) for key, alike in by_key.items()}


def _technique(key: str, alike: Mapping[str, Technique]) -> Any:
    if list(alike) == [key]:
        return alike[key].options
    choices: Any = tuple(
        create_model(
            name,
            __base__=technique.options,
            __doc__=technique.options.__doc__,
            to=(_literal(name), Field(description="The number format.")),
        )
        for name, technique in alike.items()
    )
    union: Any = Annotated[Union[choices], Field(discriminator="to")]  # noqa: UP007
    short = BeforeValidator(lambda v: {"to": v} if isinstance(v, str) else v)
    names = {"enum": list(alike)}
    schema = GetPydanticSchema(None, lambda core, handler: {"anyOf": [names, handler(core)]})
    return Annotated[union, short, schema]


def _literal(*values: str) -> Any:
    return Literal[values]


def _technique_of(key: str, options: StrictOptions) -> tuple[Technique, StrictOptions]:
    """A technique and its own options, without the name that tells it from others of its key."""
    if "to" not in type(options).model_fields:
        return techniques()[key], options
    values = options.model_dump()
    technique = techniques()[values.pop("to")]
    return technique, technique.options(**values)


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _first_line(kind: Any) -> str | None:
    doc = kind.__doc__ if isinstance(kind, type) else "How weights and activations are stored."
    return doc.strip().splitlines()[0] if doc else None
