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
from pipeline.publish.upkeep.verify.run import Found, verify
from pipeline.publish.upkeep.verify.signatures import Signatures
from pipeline.storage.layout import release_and_name

#: What to do after faults.
NEXT = (
    "remove the named files where they are there, and publish again: that adds what is missing "
    "(and signs with --sign-key)"
)


def verified(where: str, as_json: bool, trusted: Trusted) -> bool:
    """Check, with a progress bar, and print what was found; whether all is well."""
    signatures = Signatures(trusted)
    if trusted:
        trusted.verifier()  # what is wrong with a key is told before anything is read
    with open_bar("verify", shown=not as_json) as bar:
        checks: list[Check] = [*CHECKS, signatures]
        found = verify(where, checks=checks, started=bar.of, advance=bar.advance)
    unchecked = [*found.unchecked, *signatures.reports(found.releases)]
    if as_json:
        click.echo(json.dumps(_data(found, signatures) | {"unchecked": unchecked}))
        return not found.faults
    for said, releases in signatures.said().items():
        click.echo(f"{', '.join(releases)}: {said}")
    for fault in found.faults:
        click.echo(f"{click.style('✗', fg='red')} {fault}")
    mark = click.style("✗", fg="red") if found.faults else click.style("✓", fg="green")
    click.echo(f"{mark} {_counted(found)}, {found.bytes / 1e6:.1f} MB at {where}")
    if unchecked:
        click.echo(f"not checked, as nothing says what they hold: {_grouped(unchecked)}")
    if found.faults:
        click.echo(f"  {NEXT}")
    return not found.faults


def _grouped(paths: list[str]) -> str:
    """Files of releases by their names: there may be many releases."""
    named = {path: release_and_name(path.partition("/")[2]) for path in paths}
    found = Counter(known[1] if (known := named[path]) else path for path in paths)
    releases = {known[1] for known in named.values() if known}
    return ", ".join(
        f"{name} of {count(number, 'release')}" if name in releases else name
        for name, number in found.items()
    )


def _counted(found: Found) -> str:
    faults = f"{count(len(found.faults), 'fault')} in " if found.faults else ""
    parts = {
        "release": len(found.releases),
        "channel": len(found.channels),
        "file": len(found.seen),
    }
    return faults + ", ".join(count(number, one) for one, number in parts.items())


def _data(found: Found, signatures: Signatures) -> dict[str, object]:
    return {
        "where": found.where,
        "ok": not found.faults,
        "faults": [asdict(fault) for fault in found.faults],
        "channels": found.channels,
        "releases": [{"model": one.model, "release": one.id} for one in found.releases],
        "signatures": {release: one.said for release, one in signatures.verdicts.items()},
        "files": len(found.seen),
        "bytes": found.bytes,
    }
