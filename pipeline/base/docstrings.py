"""The strings below a class's attributes, which say what each is."""

from __future__ import annotations

import ast
import inspect
import textwrap
from contextlib import suppress
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
    with suppress(OSError, TypeError):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        for field, below in pairwise(getattr(definition, "body", [])):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                text: str = ast.literal_eval(below.value)
                texts[ast.unparse(field.target)] = inspect.cleandoc(text)
    return texts
