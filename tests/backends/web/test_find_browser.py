"""Finding and installing a browser, with the real commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.backends.web import install
from pipeline.base.errors import MissingToolError

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\n"
FEDORA = "ID=fedora\n"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no browser; the folder is its PATH."""
    bare = tmp_path / "bin"
    bare.mkdir()
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.delenv(install.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(install, "_MACOS_APPS", ())
    return bare


def test_a_browser_that_is_there_is_named_in_one_line() -> None:
    command = [sys.executable, "-m", "pipeline.backends.web.install"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found = install.find_browser()
    assert found is not None
    assert result.stdout == f"browser: {found} ({install.version(found)})\n"


def test_no_browser(nothing: Path) -> None:
    assert install.find_browser() is None


def test_ubuntus_stub_is_not_a_browser(nothing: Path) -> None:
    stub = script(nothing / "chromium-browser", 'echo "requires the chromium snap" >&2; exit 1')
    assert install.version(stub) is None
    assert install.find_browser() is None


def test_first_that_starts_is_taken(nothing: Path) -> None:
    script(nothing / "chromium", "exit 1")
    chrome = script(nothing / "google-chrome", "echo Google Chrome 150")
    assert install.find_browser() == chrome


def test_playwrights_newest_download_is_found(nothing: Path, tmp_path: Path) -> None:
    for number in (1200, 1187):
        folder = tmp_path / "playwright" / f"chromium-{number}" / "chrome-linux64"
        script(folder / "chrome", f"echo Chromium {number}")
    found = install.find_browser()
    assert found is not None
    assert found.parts[-3] == "chromium-1200"


def test_named_browser_comes_first(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(nothing / "chromium", "echo Chromium 156")
    mine = script(nothing / "elsewhere" / "mine", "echo Mine 1")
    monkeypatch.setenv(install.BROWSER_VARIABLE, str(mine))
    assert install.find_browser() == mine


def test_named_browser_that_does_not_start_is_an_error(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(install.BROWSER_VARIABLE, "/nowhere/chromium")
    with pytest.raises(MissingToolError) as caught:
        install.find_browser()
    assert str(caught.value) == (
        "PIPELINE_BROWSER=/nowhere/chromium: it does not start\n"
        "  let PIPELINE_BROWSER name a Chromium-family browser, or unset it"
    )


PLAYWRIGHT = [sys.executable, "-m", "playwright"]
DOWNLOAD = [*PLAYWRIGHT, "install", "chromium"]


def test_debian_with_root_takes_its_own_package_then_playwrights() -> None:
    apt = ["apt-get", "-q", "-y"]
    assert install.plans(DEBIAN, []) == [
        [[*apt, "update"], [*apt, "install", "--no-install-recommends", "chromium"]],
        [[*PLAYWRIGHT, "install-deps", "chromium"], DOWNLOAD],
    ]


def test_debian_with_sudo_asks_for_no_password() -> None:
    first = install.plans(DEBIAN, ["sudo", "-n"])[0]
    assert [command[:3] for command in first] == [["sudo", "-n", "apt-get"]] * 2


@pytest.mark.parametrize("os_release", [DEBIAN, UBUNTU, FEDORA, ""])
def test_without_privilege_playwright_downloads(os_release: str) -> None:
    assert install.plans(os_release, None) == [[DOWNLOAD]]


@pytest.mark.parametrize("os_release", [UBUNTU, FEDORA, ""])
def test_only_debian_has_a_package_that_is_no_snap(os_release: str) -> None:
    assert all("apt-get" not in part for plan in install.plans(os_release, []) for part in plan)


def test_the_systems_package_is_taken_without_pythons(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_os_release", lambda: DEBIAN)
    monkeypatch.setattr(install, "privilege", lambda: [])
    script(nothing / "apt-get", f'echo "$*" >> {nothing}/asked')
    assert install.install_package() is None
    asked = (nothing / "asked").read_text()
    assert asked == "-q -y update\n-q -y install --no-install-recommends chromium\n"
    install._find.cache_clear()
    script(nothing / "chromium", "echo Chromium 156")
    assert install.install_package() is None
    assert (nothing / "asked").read_text() == asked, "there is one"
    monkeypatch.setattr(install, "_os_release", lambda: FEDORA)
    assert install.install_package() is None, "Playwright's would need Playwright"


def test_failed_installation_exits_with_5_and_says_what_to_run(nothing: Path) -> None:
    environment = {**os.environ, "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "pipeline.backends.web.install"]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 5
    assert result.stdout == ""
    assert result.stderr.startswith("no Chromium-family browser, and none could be installed (")
    assert "chromium, or let PIPELINE_BROWSER name a browser\n" in result.stderr
