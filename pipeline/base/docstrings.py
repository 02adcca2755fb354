"""The strings below a class's attributes, which say what each is."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise


def texts_of(kind: type) -> dict[str, str]:
    """Attribute -> the text below it, those of its bases too.

    Read when they are shown only: pydantic would read every class's source as it is defined, in
    every process of a build.
    """
    texts: dict[str, str] = {}
    for base in (*getattr(kind, "__orig_bases__", kind.__bases__), kind):
        if isinstance(base, type) and base is not kind and base is not object:
            texts |= texts_of(base)
    # A class that was made by a call, or in C, has no source.
    with suppress(OSError, TypeError, KeyError):
        texts |= _texts_in(kind.__module__)[kind.__qualname__]
    return texts


@cache
def _texts_in(module: str) -> dict[str, dict[str, str]]:
    """Each class of a module, by its qualified name -> attribute -> text.

    ``inspect`` would parse the module once more for each of its classes, which takes seconds for
    those that a config is made of.
    """
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {name: dict(_texts_below(body)) for name, body in _classes(tree)}


def _classes(node: ast.AST, within: str = "") -> Iterator[tuple[str, Sequence[ast.stmt]]]:
    """The qualified name and body of every class in a tree."""
    for child in ast.iter_child_nodes(node):
        inside = within
        if isinstance(child, ast.ClassDef):
            yield within + child.name, child.body
            inside = f"{within}{child.name}."
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = f"{within}{child.name}.<locals>."
        yield from _classes(child, inside)


def _texts_below(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                yield ast.unparse(field.target), inspect.cleandoc(text)
