"""How a page loads one release and no other: what reports show, ready to copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.digest import integrity
from pipeline.storage.layout import CLIENT, PAGE, release_path

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest

#: Where a CDN folder lies, for who reads an example.
EXAMPLE = "https://cdn.example"


def pinned_snippet(manifest: ReleaseManifest, folder: Path, cdn: str = EXAMPLE) -> str:
    """JavaScript that loads a release by the digest of what pages need of its manifest.

    Args:
        manifest: of a release, with its ``name`` and ``release``.
        folder: the release's, in which that was written.
        cdn: the address of the CDN folder.
    """
    path = f"{manifest['name']}/{release_path(manifest['release'], PAGE)}"
    return (
        f'import {{ load }} from "{cdn}/{CLIENT}/index.js";\n'
        f'const model = await load("{cdn}/{path}", {{\n'
        f'  integrity: "{integrity((folder / PAGE).read_bytes())}",\n'
        "});\n"
    )
