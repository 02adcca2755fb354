from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keys
import manifests
import pytest
from http_server import running_server

from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.environment import advice
from pipeline.publish.release import bom
from pipeline.publish.trust.signature import PASSWORD, SIGNATURE, signer
from pipeline.publish.trust.signed import Read, Trusted, check

FILES = ("manifest.json", bom.BOM, "report.html")


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that is no CI job, with no password set."""
    for name in [*os.environ]:
        if name.startswith(("ACTIONS_ID_TOKEN", "GITHUB_", "CIRCLE", "GITLAB", "BUILDKITE")):
            monkeypatch.delenv(name)
    monkeypatch.delenv(PASSWORD, raising=False)


def release(folder: Path, **more: Any) -> dict[str, Any]:
    """A release's folder, as publishing writes it, and its manifest."""
    made = manifests.manifest(**more)
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(made))
    (folder / "report.html").write_text("<h1>digits</h1>")
    bom.write(made, folder)
    return made


def reader(folder: Path) -> Read:
    return lambda name: (folder / name).read_bytes()


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, Path]:
    """A signed release's folder, and the public key."""
    private, public = keys.pair(tmp_path)
    who = signer(private)
    assert who
    who.sign(release(tmp_path / "release"), tmp_path / "release")
    return tmp_path / "release", public


def model_signing(folder: Path, public: Path) -> subprocess.CompletedProcess[str]:
    """OpenSSF's own command line."""
    words = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    words += ["--signature", str(folder / SIGNATURE), "--public_key", str(public)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_what_was_signed_is_accepted(signed: tuple[Path, Path]) -> None:
    folder, public = signed
    verdict = check(reader(folder), Trusted(public))
    assert verdict.ok
    assert verdict.said == f"signed by {public}: {', '.join(sorted(FILES))}"


def test_the_tool_of_openssf_accepts_it_and_refuses_a_change(signed: tuple[Path, Path]) -> None:
    folder, public = signed
    accepted = model_signing(folder, public)
    assert accepted.returncode == 0, accepted.stderr
    (folder / "manifest.json").write_text("{}")
    refused = model_signing(folder, public)
    assert refused.returncode != 0
    assert "manifest.json" in refused.stderr + refused.stdout


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(signed: tuple[Path, Path], name: str) -> None:
    folder, public = signed
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    verdict = check(reader(folder), Trusted(public))
    assert not verdict.ok
    assert verdict.said == f"the signature does not hold: {name} changed since it was made"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(signed: tuple[Path, Path], name: str) -> None:
    folder, public = signed
    (folder / name).unlink()
    verdict = check(reader(folder), Trusted(public))
    assert (verdict.ok, verdict.said) == (False, f"{name} is signed and is not there")


def test_another_key_is_refused(signed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = signed
    _, other = keys.pair(tmp_path, "other")
    verdict = check(reader(folder), Trusted(other))
    assert not verdict.ok
    assert "Key mismatch" in verdict.said


def test_a_forged_hint_of_the_key_helps_nobody(signed: tuple[Path, Path], tmp_path: Path) -> None:
    """The bundle names its key; a liar names the one that is asked for."""
    folder, public = signed
    honest = json.loads((folder / SIGNATURE).read_text())
    private, _ = keys.pair(tmp_path, "liar")
    who = signer(private)
    assert who
    who.sign(manifests.manifest(), folder)
    forged = json.loads((folder / SIGNATURE).read_text())
    forged["verificationMaterial"] = honest["verificationMaterial"]
    (folder / SIGNATURE).write_text(json.dumps(forged))
    verdict = check(reader(folder), Trusted(public))
    assert (verdict.ok, verdict.said) == (
        False,
        "the signature does not hold: it was made with another key",
    )


def test_the_signature_of_another_release_is_refused(tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    who = signer(private)
    assert who
    for name in ("old", "new"):
        who.sign(release(tmp_path / name, description=name), tmp_path / name)
    (tmp_path / "new" / SIGNATURE).write_bytes((tmp_path / "old" / SIGNATURE).read_bytes())
    verdict = check(reader(tmp_path / "new"), Trusted(public))
    assert not verdict.ok
    assert "bom.cdx.json, manifest.json changed since it was made" in verdict.said


def test_a_signature_of_something_else_is_refused(tmp_path: Path) -> None:
    """With the right key, of a folder that has no manifest."""
    private, public = keys.pair(tmp_path)
    who = signer(private)
    assert who
    made = release(tmp_path / "release")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.html").write_text("<h1>digits</h1>")
    who.sign(made, tmp_path / "other")
    (tmp_path / "other" / SIGNATURE).rename(tmp_path / "release" / SIGNATURE)
    verdict = check(reader(tmp_path / "release"), Trusted(public))
    assert (verdict.ok, verdict.said) == (False, "the signature does not cover manifest.json")


def test_a_signature_cannot_name_files_outside_of_the_release(tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    who = signer(private)
    assert who
    made = release(tmp_path / "release")
    (tmp_path / "release" / "sub").mkdir()
    (tmp_path / "release" / "sub" / "secret").write_text("x")
    who.sign(made, tmp_path / "release")
    verdict = check(reader(tmp_path / "release"), Trusted(public))
    assert (verdict.ok, verdict.said) == (
        False,
        "the signature names 'sub/secret', which is no file of a release",
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"dsseEnvelope": {"payload": "e30="}}'])
def test_what_is_no_signature_is_refused(tmp_path: Path, content: str) -> None:
    release(tmp_path / "release")
    (tmp_path / "release" / SIGNATURE).write_text(content)
    _, public = keys.pair(tmp_path)
    verdict = check(reader(tmp_path / "release"), Trusted(public))
    assert not verdict.ok
    assert verdict.said.startswith("the signature does not hold: ")


def test_an_unsigned_release_fails_only_where_a_signature_is_asked_for(tmp_path: Path) -> None:
    release(tmp_path / "release")
    _, public = keys.pair(tmp_path)
    asked = check(reader(tmp_path / "release"), Trusted(public))
    assert (asked.ok, asked.said) == (False, "not signed")
    unasked = check(reader(tmp_path / "release"), Trusted())
    assert (unasked.ok, unasked.said) == (True, "not signed")


def test_without_a_key_it_is_said_that_nothing_was_checked(signed: tuple[Path, Path]) -> None:
    verdict = check(reader(signed[0]), Trusted())
    assert verdict.ok
    assert verdict.said.startswith("carries a signature, not checked")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"dsseEnvelope": {"payload": "e30="}}'])
def test_what_is_no_signature_is_a_fault_though_nobody_is_named(
    tmp_path: Path, content: str
) -> None:
    release(tmp_path / "release")
    (tmp_path / "release" / SIGNATURE).write_text(content)
    verdict = check(reader(tmp_path / "release"), Trusted())
    assert not verdict.ok
    assert verdict.said.startswith("is no signature: ")


def test_a_key_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = keys.pair(tmp_path, password="open sesame")
    monkeypatch.setenv(PASSWORD, "open sesame")
    who = signer(private)
    assert who
    who.sign(release(tmp_path / "release"), tmp_path / "release")
    assert check(reader(tmp_path / "release"), Trusted(public)).ok


@pytest.mark.parametrize(
    ("password", "said"),
    [
        (None, f"is encrypted\n  set {PASSWORD} to its password"),
        ("sesame", f"the password is wrong\n  correct {PASSWORD}"),
    ],
)
def test_a_wrong_password_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str | None, said: str
) -> None:
    private, _ = keys.pair(tmp_path, password="open sesame")
    if password:
        monkeypatch.setenv(PASSWORD, password)
    with pytest.raises(ConfigError, match=re.escape(said)):
        signer(private)


def test_a_wrong_password_that_seems_to_fit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of some 250 decrypts to what ends as it should, and is no key."""
    private = keys.write_quick(tmp_path / "key.pem", "open sesame")
    monkeypatch.setenv(PASSWORD, keys.seeming(private))
    with pytest.raises(ConfigError, match="the password is wrong"):
        signer(private)


def test_a_password_for_a_key_that_has_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, _ = keys.pair(tmp_path)
    monkeypatch.setenv(PASSWORD, "open sesame")
    with pytest.raises(ConfigError, match="is not encrypted"):
        signer(private)


@pytest.mark.parametrize("kind", ["rsa", "secp256k1"])
def test_a_key_of_another_kind_is_told(tmp_path: Path, kind: str) -> None:
    key = keys.unusable()[kind]
    with pytest.raises(ConfigError, match="is no key of the curves secp256r1"):
        signer(keys.write_private(tmp_path / "key.pem", key))
    release(tmp_path / "release")
    (tmp_path / "release" / SIGNATURE).write_text("{}")
    public = keys.write_public(tmp_path / "key.pub", key)
    with pytest.raises(ConfigError, match="is no public key in PEM that can sign"):
        check(reader(tmp_path / "release"), Trusted(public))


def test_what_is_no_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(ConfigError, match="is no private key in PEM\n  make one: openssl"):
        signer(tmp_path / "key.pem")
    with pytest.raises(ConfigError, match="No such file or directory"):
        signer(tmp_path / "absent.pem")


def test_the_command_that_makes_a_key_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        signer(tmp_path / "key.pem")
    command = raised.value.todo.removeprefix("make one: ").replace("FILE", "key.pem").split()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert signer(tmp_path / "key.pem")


def test_the_libraries_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, _ = keys.pair(tmp_path)
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(MissingToolError, match=r"not installed.*model_signing") as raised:
        signer(private)
    assert (raised.value.exit_code, raised.value.todo) == (5, f"run: {advice()}")


def test_nobody_signs_unless_asked_to() -> None:
    assert signer(None) is None


def test_keyless_needs_an_identity() -> None:
    with pytest.raises(ConfigError, match="this is no CI job that has one"):
        signer(None, keyless=True)


def test_a_job_without_the_permission_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(ConfigError, match="give the job the permission `id-token: write`"):
        signer(None, keyless=True)


def token(subject: str) -> str:
    """A JSON Web Token with no signature."""
    claims = {"iss": "https://example.com", "aud": "sigstore", "sub": subject, "exp": 2**40}
    parts = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return ".".join(part.decode().rstrip("=") for part in encoded) + "."


def test_in_a_job_its_identity_is_asked_for_and_sigstore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to where Sigstore's services would answer."""
    made = release(tmp_path / "release")
    with running_server() as github:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
        url = github.put("token", json.dumps({"value": token("a job's")}).encode())
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{url}?job=1")
        who = signer(None, keyless=True)
    assert who and who.said == "as this CI job" and who.public_key is None
    assert "audience=sigstore" in github.requests[0].path
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(
        PipelineError, match="could not be signed as this CI job: Failed to"
    ) as told:
        who.sign(made, tmp_path / "release")
    assert told.value.where == "digits, release 0123456789abcdef"
    assert not (tmp_path / "release" / SIGNATURE).exists()


def test_a_key_and_keyless_exclude_each_other(tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    with pytest.raises(ConfigError, match="not both"):
        signer(private, keyless=True)
    release(tmp_path / "release")
    (tmp_path / "release" / SIGNATURE).write_text("{}")
    for trusted in (Trusted(public, identity="me"), Trusted(identity="me"), Trusted(issuer="us")):
        with pytest.raises(ConfigError):
            check(reader(tmp_path / "release"), trusted)


def test_an_identity_cannot_be_checked_without_sigstore(
    signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    me = Trusted(identity="me@example.com", issuer="https://accounts.example.com")
    with pytest.raises(PipelineError, match="root of trust could not be had: Failed to refresh"):
        check(reader(signed[0]), me)
