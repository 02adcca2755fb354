"""The tests' own site: what it serves, and that its faults reach a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from client_fixtures import Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from client_site import answer, cut, drop, flip

pytestmark = pytest.mark.browser

READ = """
const response = await fetch(args.url);
return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
"""


def test_a_page_of_another_origin_reads_what_is_published(page: ScriptPage, site: Site) -> None:
    pointer = page.run("return (await fetch(args.url)).json()", url=site.latest)
    assert pointer["release"]
    assert [request.path for request in site.cdn.seen()] == ["/mobilenet/latest.json"]
    assert site.cdn.sent_bytes() > 50


def test_faults_reach_the_page(page: ScriptPage, site: Site, published: Release) -> None:
    file = max(
        published.urls(site.cdn.address, "tfjs-graph/fp32"), key=lambda file: int(file["bytes"])
    )
    site.cdn.fail("*.bin", answer(404), times=1)
    site.cdn.fail("*.bin", flip, times=1)
    assert page.run(READ, url=file["url"])["status"] == 404
    assert page.run(READ, url=file["url"]) == {"status": 200, "bytes": file["bytes"]}
    for fault in (cut(0.5), drop):
        site.cdn.fail("*.bin", fault)
        assert is_broken(page, file)
        site.cdn.heal()
    assert page.run(READ, url=file["url"]) == {"status": 200, "bytes": file["bytes"]}


def is_broken(page: ScriptPage, file: Mapping[str, Any]) -> bool:
    """Whether a file does not come whole: Firefox tells of no compressed body that was cut."""
    try:
        return int(page.run(READ, url=file["url"])["bytes"]) < file["bytes"]
    except ScriptError as error:
        assert error.name in ("TypeError", "AbortError"), json.dumps(error.fields)
        return True
