"""The config's type, grown from the files in the folders."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Field, GetPydanticSchema, create_model, model_validator

from pipeline.base.options import Options
from pipeline.base.registry import discover
from pipeline.config.config import Config, Name
from pipeline.config.search import Search

#: Techniques run in this order, whatever order a config names them in. Within a stage, a
#: module's ``ORDER`` decides: what makes another network comes before what changes its weights.
STAGES = ("model", "frozen", "graph", "weights")


class OneOf(Options):
    """A mapping with exactly one key that is a kind."""

    @classmethod
    def kinds(cls) -> list[str]:
        """The fields of which one is named; others say something of whichever it is."""
        return [name for name in cls.model_fields if name not in Source.model_fields]

    @model_validator(mode="after")
    def _exactly_one(self) -> OneOf:
        if len(self.model_fields_set & set(self.kinds())) != 1:
            raise ValueError(f"name exactly one kind of: {', '.join(self.kinds())}")
        return self

    @property
    def kind(self) -> str:
        return next(iter(self.model_fields_set & set(self.kinds())))

    @property
    def options(self) -> Options:
        options: Options = getattr(self, self.kind)
        return options


class Source(OneOf):
    """Where the pre-trained model comes from."""

    accuracy: float | None = Field(None, ge=0, le=1)
    """What share of samples like these it is known to get right. A source that gets far fewer right
    is not published, since most often it is not given what it was trained on; without this, one
    that is no better than chance."""


class Variant(Options):
    """A chain of techniques; none of them means the model as it is, in float32."""

    search: Search | None = None
    """Let a search find the techniques that go with those that stand beside it, if any do."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the model as it is."""
        return not self.model_fields_set

    def techniques(self) -> list[tuple[ModuleType, Options]]:
        """The modules and their options, in the order in which they run."""
        keys = sorted(self.model_fields_set - {"search"})
        chain = [_chosen(key, getattr(self, key)) for key in keys]
        return sorted(chain, key=lambda pair: _turn(pair[0]))


class Export(Options):
    """The formats to publish, each with its options."""

    def formats(self) -> list[tuple[ModuleType, Options]]:
        """The modules of the formats that the config names, and their options."""
        modules = discover("export", "FORMAT").values()
        named = [(m, getattr(self, _identifier(m.FORMAT))) for m in modules]
        return [(m, o) for m, o in named if _identifier(m.FORMAT) in self.model_fields_set]


@cache
def config_type() -> type[Config]:
    """``Config`` with everything that discovery finds."""
    variant = _mapping("Variant", Variant, _techniques())
    types = {
        "source": _mapping("Source", Source, _kinds("sources", "pull")),
        "samples": _mapping("Samples", OneOf, _kinds("samples", "read")),
        "input": _mapping("Input", OneOf, _inputs()),
        "task": _literal(*discover("tasks", "accuracy")),
        "variants": Annotated[dict[Name, variant], Field(min_length=1)],  # type: ignore[valid-type]
        "export": _mapping("Export", Export, _kinds("export", "FORMAT")),
    }
    fields: dict[str, Any] = {name: (t, Config.model_fields[name]) for name, t in types.items()}
    created: type[Config] = create_model("Config", __base__=Config, **fields)
    return created


def _kinds(package: str, marker: str) -> dict[str, Any]:
    return {name: module.Options for name, module in discover(package, marker).items()}


def _inputs() -> dict[str, Any]:
    return {name: module.INPUT.options for name, module in discover("inputs", "INPUT").items()}


def _mapping(title: str, base: type[Options], kinds: Mapping[str, Any]) -> Any:
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
    by_key: dict[str, dict[str, ModuleType]] = {}
    for name, module in discover("optimize", "KEY").items():
        by_key.setdefault(module.KEY, {})[name] = module
    return {key: _technique(key, modules) for key, modules in by_key.items()}


def _technique(key: str, modules: Mapping[str, ModuleType]) -> Any:
    if list(modules) == [key]:
        return modules[key].Options
    choices: Any = tuple(
        create_model(
            name,
            __base__=module.Options,
            __doc__=module.Options.__doc__,
            to=(_literal(name), Field(description="The number format.")),
        )
        for name, module in modules.items()
    )
    union: Any = Annotated[Union[choices], Field(discriminator="to")]  # noqa: UP007
    short = BeforeValidator(lambda v: {"to": v} if isinstance(v, str) else v)
    names = {"enum": list(modules)}
    schema = GetPydanticSchema(None, lambda core, handler: {"anyOf": [names, handler(core)]})
    return Annotated[union, short, schema]


def _turn(module: ModuleType) -> tuple[int, int]:
    return STAGES.index(module.STAGE), getattr(module, "ORDER", 0)


def _literal(*values: str) -> Any:
    return Literal[values]


def _chosen(key: str, options: Any) -> tuple[ModuleType, Options]:
    techniques = discover("optimize", "KEY")
    if not hasattr(options, "to"):
        return techniques[key], options
    module = techniques[options.to]
    return module, module.Options(**options.model_dump(exclude={"to"}))


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _first_line(kind: Any) -> str | None:
    doc = kind.__doc__ if isinstance(kind, type) else "How weights and activations are stored."
    return doc.strip().splitlines()[0] if doc else None
