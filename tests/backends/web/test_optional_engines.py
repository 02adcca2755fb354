"""The engines beside Chromium: installed where that may be, else said plainly. Real commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_find_browser import script

from pipeline.backends.web import optional, system
from pipeline.backends.web.engines import firefox, webkit
from pipeline.cli import doctor


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with neither engine; the folder is its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(firefox.VARIABLE, raising=False)
    monkeypatch.setattr(webkit, "_BROWSERS", (str(tmp_path / "libexec" / "MiniBrowser"),))
    return folder


def lines(monkeypatch: pytest.MonkeyPatch, privilege: list[str] | None) -> dict[str, str]:
    monkeypatch.setattr(system, "privilege", lambda: privilege)
    return dict(line.split(": ", 1) for line in optional.install_all())


def test_the_command_names_each_engine_and_nginx() -> None:
    command = [sys.executable, "-m", "pipeline.backends.web.optional"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    said = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert said == ["firefox", "webkit", "nginx"]


def test_without_apt_it_says_what_to_install(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = lines(monkeypatch, [])
    assert said["firefox"] == (
        f"not installed, this system has no apt-get; to have it: {firefox.ELSEWHERE}"
    )
    assert said["webkit"].endswith(webkit.ELSEWHERE)


def test_without_privilege_it_names_the_command(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(bare / "apt-get", "exit 1")
    assert lines(monkeypatch, None)["webkit"] == (
        "not installed, neither root nor sudo without a password; "
        "to have it: sudo apt-get install --no-install-recommends webkit2gtk-driver xvfb"
    )


def test_a_package_that_is_not_there_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(bare / "apt-get", "exit 0")
    script(bare / "apt-cache", 'for name; do :; done; [ "$name" != firefox-esr ]')
    said = lines(monkeypatch, [])
    assert said["firefox"].startswith("not installed, this system has no package firefox-esr; ")
    assert said["webkit"].startswith("installed, but WebKitWebDriver and MiniBrowser were not")


def test_what_apt_installs_is_found(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = "printf '#!/bin/sh\\necho Mozilla Firefox 1.0\\n' > \"$0.new\""
    install_it = f'{fake}; /bin/chmod +x "$0.new"'
    place = f'/bin/cp "$0.new" {bare}/firefox-esr; /bin/cp "$0.new" {bare}/Xvfb'
    script(bare / "apt-get", f"{install_it}; {place}")
    script(bare / "apt-cache", "exit 0")
    said = lines(monkeypatch, [])
    assert said["firefox"] == f"installed {bare}/firefox-esr (Mozilla Firefox 1.0)"


def test_doctor_lists_engines_that_nobody_has_to_have(bare: Path) -> None:
    script(bare / "apt-get", "exit 1")
    checks = {check.name: check for check in doctor.examine()}
    for name in ("firefox", "webkit", "xvfb"):
        assert not checks[name].ok and not checks[name].required
        assert checks[name].mend.startswith("sudo apt-get install --no-install-recommends ")
