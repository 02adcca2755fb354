"""Finds a Chromium-family browser, or installs one: ``python -m pipeline.backends.web.install``.

``--packages`` only takes the system's own package, without a word: that needs none of Python's
packages, so that it can run while they are installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pipeline.backends.web.system import privilege, run_all, version
from pipeline.base.errors import MissingToolError, PipelineError

BROWSER_VARIABLE = "PIPELINE_BROWSER"

_COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
)
_MACOS_APPS = ("Chromium", "Google Chrome", "Microsoft Edge", "Brave Browser")
_PLAYWRIGHT_BINARIES = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


def find_browser() -> Path | None:
    """The browser to use: the one ``PIPELINE_BROWSER`` names, else the first that starts.

    Raises:
        MissingToolError: what ``PIPELINE_BROWSER`` names is not a browser.
    """
    return _find(os.environ.get(BROWSER_VARIABLE), os.environ.get("PATH"))


def candidates() -> list[Path]:
    """The browsers that would be tried, in order: which of them start costs a start to know."""
    named = os.environ.get(BROWSER_VARIABLE)
    tried = [Path(named)] if named else _candidates()
    return [path for path in tried if path.exists()]


@cache
def _find(named: str | None, path: str | None) -> Path | None:
    if named:
        if version(Path(named)) is None:
            raise MissingToolError(
                "it does not start",
                where=f"{BROWSER_VARIABLE}={named}",
                todo=f"let {BROWSER_VARIABLE} name a Chromium-family browser, or unset it",
            )
        return Path(named)
    return next((path for path in _candidates() if version(path)), None)


def _candidates() -> Iterator[Path]:
    yield from (Path(path) for name in _COMMANDS if (path := shutil.which(name)))
    if platform.system() == "Darwin":
        for root in (Path("/Applications"), Path.home() / "Applications"):
            for app in _MACOS_APPS:
                yield from root.glob(f"{app}.app/Contents/MacOS/{app}")
    for pattern in _PLAYWRIGHT_BINARIES:
        yield from sorted(playwright_folder().glob(pattern), reverse=True)


def playwright_folder() -> Path:
    """Where Playwright keeps the browsers it downloads."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if named not in ("", "0"):
        return Path(named)
    caches = "Library/Caches" if platform.system() == "Darwin" else ".cache"
    return Path.home() / caches / "ms-playwright"


def install() -> str:
    """Make sure that there is a browser; say in one line what was done.

    Raises:
        MissingToolError: there is none, and none could be installed.
    """
    if browser := find_browser():
        return f"browser: {browser} ({version(browser)})"
    failures = []
    for commands in plans(_os_release(), privilege()):
        failure = run_all(commands)
        _find.cache_clear()
        if failure is None and (browser := find_browser()):
            return f"browser: installed {browser} ({version(browser)})"
        failures.append(failure or f"{' '.join(commands[-1])}: done, but no browser starts")
    by_hand = " ".join(plans(_os_release(), ["sudo"])[0][-1])
    raise MissingToolError(
        f"no Chromium-family browser, and none could be installed ({'; '.join(failures)})",
        todo=f"run {by_hand}, or let {BROWSER_VARIABLE} name a browser",
    )


def install_package() -> str | None:
    """Take the system's own package if there is no browser; why it did not come, or ``None``."""
    first = plans(_os_release(), privilege())[0]
    is_package = not any(sys.executable in command for command in first)
    return run_all(first) if is_package and find_browser() is None else None


def plans(os_release: str, privilege: list[str] | None) -> list[list[list[str]]]:
    """Commands that install a browser, the ways to try one after another.

    Args:
        os_release: the text of ``/etc/os-release``.
        privilege: what to put before a command that needs root (``[]`` as root,
            ``["sudo", "-n"]``), or ``None`` where there is no way to it.
    """
    commands = []
    if _is_debian(os_release) and privilege is not None:
        apt = [*privilege, "apt-get", "-q", "-y"]
        commands.append(
            [[*apt, "update"], [*apt, "install", "--no-install-recommends", "chromium"]]
        )
    playwright = [sys.executable, "-m", "playwright"]
    # On Ubuntu the package is a snap, which containers cannot run.
    libraries = [[*playwright, "install-deps", "chromium"]] if privilege is not None else []
    return [*commands, [*libraries, [*playwright, "install", "chromium"]]]


def _is_debian(os_release: str) -> bool:
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    family = " ".join(fields.get(key, "").strip('"') for key in ("ID", "ID_LIKE")).split()
    return "debian" in family and "ubuntu" not in family


def _os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text() if path.exists() else ""


def main() -> int:
    """Print what was done, or what to do; the exit code."""
    try:
        if "--packages" in sys.argv:
            install_package()  # what went wrong is told by the run that follows
        else:
            print(install())
    except PipelineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
