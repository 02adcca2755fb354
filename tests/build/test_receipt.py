"""A receipt is under another key as soon as something came that a build would use."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.backends.web import install, packages
from pipeline.backends.web.engines import firefox, webkit
from pipeline.build import receipt


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without browsers; the folder is its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    for variable in (install.BROWSER_VARIABLE, firefox.VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(install, "_MACOS_APPS", ())
    monkeypatch.setattr(webkit, "_BROWSERS", (str(tmp_path / "libexec" / "MiniBrowser"),))
    return folder


def key(tmp_path: Path) -> str:
    config = tmp_path / "c.yaml"
    config.write_text("name: x")
    return receipt.receipt_key(config, (), browsers=True)


@pytest.mark.parametrize(
    "came",
    [
        ("bin/chromium",),
        ("playwright/chromium-1200/chrome-linux64/chrome",),
        ("bin/firefox",),
        ("bin/Xvfb",),
        ("bin/WebKitWebDriver", "libexec/MiniBrowser"),
    ],
)
def test_what_is_installed_later_is_noticed(
    bare: Path, tmp_path: Path, came: tuple[str, ...]
) -> None:
    before = key(tmp_path)
    assert key(tmp_path) == before
    for name in came:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    assert key(tmp_path) != before


def test_packages_of_the_page_that_are_installed_later_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(packages, "MODULES", tmp_path / "node_modules")
        before = key(tmp_path)
    assert packages.list_missing() == []
    assert key(tmp_path) != before


def test_every_browser_that_may_be_taken_decides_a_proof(bare: Path, tmp_path: Path) -> None:
    # Ubuntu's stub is tried first, and does not start; what starts comes after it.
    from pipeline.backends.web.engines import chromium

    for name, text in (("chromium-browser", "exit 1"), ("google-chrome", "echo Chrome 1")):
        (bare / name).write_text(f"#!/bin/sh\n{text}\n")
        (bare / name).chmod(0o755)
    before = chromium.fingerprint()
    (bare / "google-chrome").write_text("#!/bin/sh\necho Chrome 200\n")
    assert chromium.fingerprint() != before
    assert str(bare / "google-chrome") in chromium.watched()
