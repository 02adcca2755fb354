"""Which tensor of the source graph each tensor of a converted graph equals.

Conversion renames, fuses and folds. ``origins.json`` of a CONVERTED or ARTIFACT folder keeps
what is known while it happens: {"<tensor>": "<tensor of frozen.pb, as node:port>"}. What has
no counterpart, such as half of a folded pair, is not in it. Values may lie in another layout
(NHWC, NCHW). It stays in the store and is never published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

FILE = "origins.json"


def write(folder: Path, origins: Mapping[str, str]) -> None:
    """Write the folder's ``origins.json``, sorted by tensor."""
    (folder / FILE).write_text(json.dumps(dict(sorted(origins.items())), indent=0))


def read(folder: Path) -> dict[str, str]:
    """The folder's origins; none where its format keeps none."""
    path = folder / FILE
    origins: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return origins


def rename_origins(origins: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The origins of a graph whose tensors got new names; those that are gone are left out."""
    return {names[tensor]: origin for tensor, origin in origins.items() if tensor in names}
