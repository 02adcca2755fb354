"""Packages of a few files, as the registries of npm and of Python serve them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping

import http_server
from http_server import Handler, Site


def serve_with_type(handler: Handler) -> None:
    """As registries do: pip reads an index as HTML only if it is called that."""
    if handler.content is None or not handler.path.startswith("/simple/"):
        http_server.serve(handler)
    else:
        length = len(handler.content)
        handler.start(200, Content_Type="text/html", Content_Length=length)
        handler.body(handler.content)


def publish_npm(site: Site, name: str, files: Mapping[str, bytes]) -> None:
    """A package of this name, in version 1.2.0."""
    package = {"name": name, "version": "1.2.0", "license": "MIT"}
    package["scripts"] = {"preinstall": "exit 1", "prepack": "exit 1"}  # type: ignore[assignment]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in {**files, "package.json": json.dumps(package).encode()}.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    digest = base64.b64encode(hashlib.sha512(out.getvalue()).digest()).decode()
    where = {
        "tarball": site.put(f"{name}/-/it.tgz", out.getvalue()),
        "integrity": f"sha512-{digest}",
    }
    described = {"name": name, "dist-tags": {}, "versions": {"1.2.0": package | {"dist": where}}}
    site.put(name, json.dumps(described).encode())


def publish_wheel(site: Site, name: str, files: Mapping[str, bytes]) -> None:
    out = io.BytesIO()
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.0\nLicense: Apache-2.0\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(out, "w") as archive:
        info = f"{name}-1.2.0.dist-info"
        for path, content in files.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = 0o100755 << 16
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/RECORD", "")
    file = f"{name}-1.2.0-py3-none-any.whl"
    url = site.put(f"files/{file}", out.getvalue())
    site.put(f"simple/{name}/", f'<html><a href="{url}">{file}</a></html>'.encode())
