"""Says in a source folder what of the model is wanted; whatever loads it cuts it there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.artifacts.large import link
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step


class CutOptions(StrictOptions):
    """Where to cut."""

    outputs: list[str] | dict[str, str] | None = None
    """Outputs, tensors, nodes or layers, maybe by the names that they get."""
    fixed: dict[str, Any] = Field(default={})
    """Values of inputs that no user gives."""


@step(version=1)
def cut(source: SourceFolder, options: CutOptions, work: Path) -> None:
    """SOURCE -> SOURCE of which a part is loaded."""
    shutil.copytree(source.folder, work, copy_function=link, dirs_exist_ok=True)
    described = json.loads(source.description)
    described["cut"] = {"outputs": options.outputs, "fixed": options.fixed}
    (work / SourceFolder.DESCRIPTION).unlink()
    SourceFolder(work).describe(**described)
