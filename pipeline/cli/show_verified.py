"""What ``pipeline verify`` prints."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import click

from pipeline.cli.bar import open_bar
from pipeline.measures.words import count
from pipeline.publish.trust.signed import Trusted
from pipeline.publish.upkeep.verify.checks import CHECKS
from pipeline.publish.upkeep.verify.fault import Check
from pipeline.publish.upkeep.verify.run import VerifyResult, verify
from pipeline.publish.upkeep.verify.signatures import Signatures
from pipeline.storage.layout import release_and_name

#: What to do after faults.
NEXT = (
    "remove the named files where they are there, and publish again: that adds what is missing "
    "(and signs with --sign-key)"
)


def show_verified(where: str, as_json: bool, trusted: Trusted) -> bool:
    """Check, with a progress bar, and print what was found; whether all is well."""
    signatures = Signatures(trusted)
    if trusted:
        trusted.verifier()  # what is wrong with a key is told before anything is read
    with open_bar("verify", shown=not as_json) as bar:
        checks: list[Check] = [*CHECKS, signatures]
        result = verify(where, checks=checks, started=bar.of, advance=bar.advance)
    unchecked = [*result.unchecked, *signatures.reports(result.releases)]
    if as_json:
        click.echo(json.dumps(_data(result, signatures) | {"unchecked": unchecked}))
        return not result.faults
    for said, releases in signatures.said().items():
        click.echo(f"{', '.join(releases)}: {said}")
    for fault in result.faults:
        click.echo(f"{click.style('✗', fg='red')} {fault}")
    mark = click.style("✗", fg="red") if result.faults else click.style("✓", fg="green")
    click.echo(f"{mark} {_count_all(result)}, {result.bytes / 1e6:.1f} MB at {where}")
    if unchecked:
        click.echo(f"not checked, as nothing says what they hold: {_group_by_name(unchecked)}")
    if result.faults:
        click.echo(f"  {NEXT}")
    return not result.faults


def _group_by_name(paths: list[str]) -> str:
    """Files of releases by their names: there may be many releases."""
    named = {path: release_and_name(path.partition("/")[2]) for path in paths}
    numbers = Counter(release[1] if (release := named[path]) else path for path in paths)
    releases = {release[1] for release in named.values() if release}
    return ", ".join(
        f"{name} of {count(number, 'release')}" if name in releases else name
        for name, number in numbers.items()
    )


def _count_all(result: VerifyResult) -> str:
    faults = f"{count(len(result.faults), 'fault')} in " if result.faults else ""
    parts = {
        "release": len(result.releases),
        "channel": len(result.channels),
        "file": len(result.seen),
    }
    return faults + ", ".join(count(number, noun) for noun, number in parts.items())


def _data(result: VerifyResult, signatures: Signatures) -> dict[str, object]:
    return {
        "where": result.where,
        "ok": not result.faults,
        "faults": [asdict(fault) for fault in result.faults],
        "channels": result.channels,
        "releases": [
            {"model": published.model, "release": published.id} for published in result.releases
        ],
        "signatures": {release: verdict.said for release, verdict in signatures.verdicts.items()},
        "files": len(result.seen),
        "bytes": result.bytes,
    }
