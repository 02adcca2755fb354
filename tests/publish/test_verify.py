from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import keys
import pytest
from click.testing import CliRunner, Result
from http_server import Site, answer, drop_after, running_server
from published import artifact, at, manifest, pieces

from pipeline.base.digest import scan, tree_digest
from pipeline.base.errors import ConfigError
from pipeline.cli.main import main
from pipeline.publish.release.release import PublishedRelease, publish
from pipeline.publish.trust.signature import SIGNATURE, signer
from pipeline.publish.upkeep import copy as copying
from pipeline.publish.upkeep.verify.checks import CHECKS
from pipeline.publish.upkeep.verify.fault import Fault, Published
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import open_storage

HEAD, BODY = b"head " * 200, b"body " * 3000


@pytest.fixture
def cdn(published: Path, tmp_path: Path) -> Path:
    """A copy of what is published, which a test may damage."""
    return Path(shutil.copytree(published, tmp_path / "cdn"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases that share a file, with compressed twins and a runtime."""
    tmp_path = tmp_path_factory.mktemp("published")
    runtime = tmp_path / "runtime.js"
    runtime.write_text("export {}")
    sha256 = hashlib.sha256(runtime.read_bytes()).hexdigest()
    path = f"runtimes/{sha256}.js"
    described = {"path": path, "sha256": sha256, "bytes": 9, "br_bytes": None, "gz_bytes": None}
    for number in (1, 2):
        folder = tmp_path / f"a{number}"
        entry = artifact(folder, BODY, HEAD + bytes([number]), twins=True)
        content = manifest(entry, runtimes={"tfjs-wasm": {"entry": path, "files": [described]}})
        release = publish(
            content,
            at(folder),
            tmp_path / "cdn",
            "latest",
            compressed=at(folder),
            root=pieces({path: runtime}),
        )
        assert isinstance(release, PublishedRelease)
    return tmp_path / "cdn"


@pytest.fixture
def site() -> Iterator[Site]:
    with running_server() as site:
        yield site


def faults(where: Path | str) -> list[str]:
    return [str(fault) for fault in verify(str(where)).faults]


def one(cdn: Path, pattern: str) -> Path:
    return sorted(cdn.glob(pattern))[0]


def test_what_was_published_has_no_fault(cdn: Path) -> None:
    found = verify(str(cdn))
    assert found.faults == []
    assert len(found.releases) == 2 and list(found.channels) == ["m/latest"]
    names = {path.relative_to(cdn).as_posix() for path in cdn.rglob("*") if path.is_file()}
    read = {name for name in names if "/files/" in name or name.startswith("runtimes/")}
    assert set(found.seen) == read and len(read) == 10


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


DAMAGE = [
    ("m/files/*.bin", flip, "has sha256"),
    ("m/files/*.bin", cut, "holds .* of its .* bytes"),
    ("m/files/*.bin", grow, "holds more than"),
    ("m/files/*.bin", Path.unlink, "is missing"),
    ("m/files/*.br", lambda path: path.write_bytes(brotli.compress(b"other")), "holds 5 of its"),
    ("m/files/*.br", cut, "ends in the middle"),
    ("m/files/*.br", lambda path: path.write_bytes(b"\xff" * 50), "is not brotli"),
    ("m/files/*.br", Path.unlink, "is missing"),
    ("m/files/*.gz", lambda path: path.write_bytes(gzip.compress(bytes(10**7))), "holds more"),
    ("m/files/*.gz", cut, "ends in the middle"),
    ("m/files/*.gz", lambda path: path.write_bytes(b"no"), "is not gzip"),
    ("runtimes/*.js", flip, "has sha256"),
    ("m/releases/*/manifest.json", Path.unlink, "is missing"),
    ("m/releases/*/manifest.json", lambda path: path.write_bytes(b"{"), "is no manifest"),
    (
        "m/releases/*/manifest.json.br",
        lambda path: path.write_bytes(brotli.compress(b"{}")),
        "holds 2 of its",
    ),
    ("m/releases/*/manifest.json.gz", cut, "ends in the middle"),
    ("m/latest.json", lambda path: path.write_bytes(b"[]"), "is no pointer|says m/latest is"),
    ("index.json", lambda path: path.write_bytes(b"[]"), "is no index"),
]


@pytest.mark.parametrize(("pattern", "damage", "said"), DAMAGE)
def test_damage_is_named(
    cdn: Path, pattern: str, damage: Callable[[Path], object], said: str
) -> None:
    path = one(cdn, pattern)
    damage(path)
    found = verify(str(cdn)).faults
    assert found
    named = [fault for fault in found if fault.path == path.relative_to(cdn).as_posix()]
    assert named
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(named[0].what)


def named(cdn: Path, path: Path, what: str) -> None:
    """The one fault is this one."""
    assert faults(cdn) == [f"{path.relative_to(cdn).as_posix()}: {what}"]


@pytest.mark.parametrize("suffix", [".br", ".gz"])
@pytest.mark.parametrize(
    "beside",
    [
        "m/latest.json",
        "index.json",
        "m/releases/*/report.html",
        "m/releases/*/manifest.json",
        "runtimes/*.js",
        "demo/index.html",
        "LICENSES.txt",
    ],
)
def test_a_planted_twin_is_found(cdn: Path, suffix: str, beside: str) -> None:
    """Nothing lists it, and servers would send it."""
    put(cdn / "demo/index.html")
    put(cdn / "LICENSES.txt")
    (one(cdn, "m/releases/*/manifest.json").parent / "report.html").write_text("report")
    path = one(cdn, beside)
    twin = path.with_name(path.name + suffix)
    packed = {".br": brotli.compress, ".gz": gzip.compress}[suffix]
    twin.write_bytes(packed(path.read_bytes()))
    assert faults(cdn) == []
    twin.write_bytes(packed(b"planted"))
    (found,) = verify(str(cdn)).faults
    assert found.path == twin.relative_to(cdn).as_posix()


def test_a_twin_of_nothing_is_found(cdn: Path) -> None:
    """nginx would send it."""
    twin = cdn / "m" / "beta.json.gz"
    twin.write_bytes(gzip.compress(b"{}"))
    named(cdn, twin, "lies beside no file")


def put(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_planted_twin_on_a_web_server_is_found(cdn: Path, site: Site) -> None:
    for path in (path for path in cdn.rglob("*") if path.is_file()):
        site.put(path.relative_to(cdn).as_posix(), path.read_bytes())
    site.put("index.json.br", b"<!doctype html>")  # what sites of one page answer everywhere
    assert faults(site.address) == []
    planted = ["index.json.br", "m/latest.json.gz", f"{runtime(cdn)}.gz"]
    for path in planted:
        site.put(path, brotli.compress(b"{}") if path.endswith(".br") else gzip.compress(b"{}"))
    assert sorted(fault.path for fault in verify(site.address).faults) == planted


def runtime(cdn: Path) -> str:
    return one(cdn, "runtimes/*.js").relative_to(cdn).as_posix()


@pytest.fixture
def client(cdn: Path) -> Path:
    """Two versions of a client, of which the later one is the newest; as publishing writes it."""
    for text in ("first", "second"):
        made = cdn.parent / text
        put(made / "index.js", text)
        put(made / "tasks/one.d.ts", "task")
        tree = tree_digest(scan(made))[:16]
        shutil.copytree(made, cdn / "client" / tree)
        shutil.copytree(made, cdn / "client", dirs_exist_ok=True)
    return cdn / "client" / tree


def test_a_client_that_was_changed_is_found(cdn: Path, client: Path) -> None:
    assert faults(cdn) == []
    (client / "tasks/one.d.ts").write_text("evil")
    (fault,) = faults(cdn)
    assert fault.startswith(f"client/{client.name}/: was changed")


@pytest.mark.parametrize("path", ["client/index.js", "client/tasks/one.d.ts", "client/evil.js"])
def test_the_newest_client_is_one_of_the_versions(cdn: Path, client: Path, path: str) -> None:
    put(cdn / path, "evil")
    named(cdn, cdn / path, "is of none of the versions beside it")


def test_what_is_not_checked_is_said(tmp_path: Path, cdn: Path, client: Path) -> None:
    put(cdn / "demo/index.html")
    put(cdn / "sw.js")
    said = json.loads(run_verify(cdn, "--json").output)["unchecked"]
    assert {"demo/", "sw.js"} <= {*said} and "client/" not in said and "index.json" not in said
    assert "not checked, as nothing says what they hold: " in run_verify(cdn).output


@pytest.mark.parametrize("late", [False, True])
def test_reports_are_checked_where_a_signature_is_of_them(tmp_path: Path, late: bool) -> None:
    private, public = keys.pair(tmp_path)
    signs = signer(private)
    assert signs
    entry = artifact(tmp_path / "work", BODY)
    done = publish(
        manifest(entry),
        at(tmp_path / "work"),
        tmp_path / "cdn",
        "latest",
        lambda manifest, folder: put(folder / "report.html") and None,
        writers=[] if late else [signs.sign],
    )
    if late:
        folder = tmp_path / "cdn/m/releases" / done.id
        signs.sign(done.manifest, folder, ["report.html"])
    report = f"m/releases/{done.id}/report.html"
    where = (tmp_path / "cdn", "--json", "--public-key", public)
    found = json.loads(run_verify(*where).output)
    assert found["ok"] and (report in found["unchecked"]) is late
    assert report in json.loads(run_verify(*where[:2]).output)["unchecked"]
    put(tmp_path / "cdn" / report, "changed")
    assert json.loads(run_verify(*where).output)["ok"] is late


def test_a_pointer_is_compared_with_the_manifest_that_is_checked(cdn: Path, site: Site) -> None:
    """And a web server that answers otherwise the second time is asked once."""
    for path in (path for path in cdn.rglob("*") if path.is_file()):
        site.put(path.relative_to(cdn).as_posix(), path.read_bytes())
    verify(f"{site.address}/m/latest.json")
    release = json.loads((cdn / "m/latest.json").read_text())["release"]
    asked = [
        request for request in site.requests if request.path.endswith(f"{release}/manifest.json")
    ]
    assert len(asked) == 1


def test_an_index_on_a_web_server_is_compared_with_the_pointers(cdn: Path, site: Site) -> None:
    index = json.loads((cdn / "index.json").read_text())
    now = index["models"]["m"]["channels"]["latest"]
    (old,) = {one["release"] for one in index["models"]["m"]["releases"]} - {now}
    index["models"]["m"]["channels"]["latest"] = old
    (cdn / "index.json").write_text(json.dumps(index))
    for path in (path for path in cdn.rglob("*") if path.is_file()):
        site.put(path.relative_to(cdn).as_posix(), path.read_bytes())
    assert faults(site.address) == [f"index.json: says m/latest is {old}, and it is {now}"]


def test_the_folder_of_a_model_is_told_from_nothing(cdn: Path) -> None:
    with pytest.raises(ConfigError, match="is the folder of one model"):
        verify(str(cdn / "m"))


def test_a_decompression_bomb_is_not_unpacked(cdn: Path) -> None:
    import psutil

    one(cdn, "m/files/*.br").write_bytes(brotli.compress(bytes(2**29), quality=1))
    before = psutil.Process().memory_info().rss
    (fault,) = faults(cdn)
    assert "holds more than its" in fault
    assert psutil.Process().memory_info().rss - before < 2**26


def test_a_manifest_that_was_changed_is_found_though_its_pointer_fits(cdn: Path) -> None:
    latest = cdn / "m" / "latest.json"
    pointer = json.loads(latest.read_text())
    path = cdn / "m" / pointer["manifest"]
    path.write_text(path.read_text().replace("tensors", "changed"))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    latest.write_text(json.dumps(pointer | {"sha256": sha256}))
    assert any("was changed: what it says has the digest" in fault for fault in faults(cdn))


def test_a_pointer_to_other_bytes_is_found(cdn: Path) -> None:
    latest = cdn / "m" / "latest.json"
    latest.write_text(latest.read_text().replace('"sha256": "', '"sha256": "0'))
    assert any("says another sha256" in fault for fault in faults(cdn))


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "files/../../x.bin"])
def test_paths_of_a_manifest_do_not_leave_the_folder(cdn: Path, path: str) -> None:
    manifest_path = one(cdn, "m/releases/*/manifest.json")
    content = json.loads(manifest_path.read_text())
    content["artifacts"][0]["files"][0]["path"] = path
    manifest_path.write_text(json.dumps(content))
    found = verify(str(cdn))
    assert any("is not the place of a file" in fault.what for fault in found.faults)
    assert not any(".." in seen or "etc" in seen for seen in found.seen)


def test_an_index_that_is_behind_is_found(cdn: Path) -> None:
    index = cdn / "index.json"
    content = json.loads(index.read_text())
    old = content["models"]["m"]["releases"].pop()["release"]
    content["models"]["m"]["channels"]["latest"] = "0" * 16
    index.write_text(json.dumps(content))
    said = faults(cdn)
    assert any(f"does not list release {old}" in fault for fault in said)
    assert any("says m/latest is 0000000000000000" in fault for fault in said)


def test_one_channel_or_release_can_be_checked(cdn: Path) -> None:
    latest = verify(str(cdn / "m" / "latest.json"))
    assert len(latest.releases) == 1 and not latest.faults
    old = next(
        path
        for path in cdn.glob("m/releases/*/manifest.json")
        if latest.releases[0].id not in str(path)
    )
    flip(next(cdn / "m" / f["path"] for f in json.loads(old.read_text())["artifacts"][0]["files"]))
    assert len(verify(str(old)).faults) == 1


def test_a_check_is_a_function_in_a_list(cdn: Path) -> None:
    def suspicious(published: Published) -> Iterator[Fault]:
        yield Fault(published.path("x"), published.read("manifest.json").decode()[:1])

    found = verify(str(cdn), checks=(*CHECKS, suspicious))
    assert [fault.what for fault in found.faults] == ["{", "{"]


def test_a_web_server_is_checked_as_its_readers_see_it(cdn: Path, site: Site) -> None:
    for path in (path for path in cdn.rglob("*") if path.is_file()):
        site.put(f"cdn/{path.relative_to(cdn).as_posix()}", path.read_bytes())
    found = verify(f"{site.address}/cdn/")
    assert found.faults == [] and len(found.seen) == 10
    assert found.bytes == verify(str(cdn)).bytes

    site.faults += [answer(503), drop_after(2)]
    assert verify(f"{site.address}/cdn/m/latest.json").faults == []

    damaged = one(cdn, "m/files/*.bin").name
    site.files[f"/cdn/m/files/{damaged}"] = b"other"
    assert [fault.path for fault in verify(f"{site.address}/cdn").faults] == [f"m/files/{damaged}"]


def test_nothing_published_is_a_usage_error(tmp_path: Path, site: Site) -> None:
    with pytest.raises(ConfigError, match="nothing is published there"):
        verify(str(tmp_path))
    with pytest.raises(ConfigError, match="nothing is published there"):
        verify(site.address)


def test_the_command_names_faults_and_ends_with_1(cdn: Path) -> None:
    good = CliRunner().invoke(main, ["verify", str(cdn)])
    assert good.exit_code == 0
    assert "2 releases, 1 channel, 10 files" in good.output
    path = one(cdn, "m/files/*.bin")
    flip(path)
    bad = CliRunner().invoke(main, ["verify", str(cdn)])
    assert "1 fault in 2 releases" in bad.output and "publish again" in bad.output
    assert bad.exit_code == 1 and f"m/files/{path.name}: has sha256" in bad.output
    data = json.loads(CliRunner().invoke(main, ["verify", str(cdn), "--json"]).output)
    assert data["ok"] is False and data["faults"][0]["path"] == f"m/files/{path.name}"


def signed_release(folder: Path, private: Path, **more: object) -> Path:
    """A CDN folder with one signed release."""
    signs = signer(private)
    assert signs
    entry = artifact(folder / "work", BODY)
    publish(
        manifest(entry, **more),
        at(folder / "work"),
        folder / "cdn",
        "latest",
        writers=[signs.sign],
    )
    return folder / "cdn"


def run_verify(*words: object) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, words)])


def test_a_signature_is_checked_in_a_folder_a_bucket_and_over_http(
    tmp_path: Path, bucket: str, site: Site
) -> None:
    private, public = keys.pair(tmp_path)
    cdn = signed_release(tmp_path, private)
    copying.copy(copying.source(str(cdn)), open_storage(bucket))
    for path in (path for path in cdn.rglob("*") if path.is_file()):
        site.put(path.relative_to(cdn).as_posix(), path.read_bytes())
    for where in (cdn, bucket, site.url("m/latest.json")):
        done = run_verify(where, "--public-key", public)
        assert done.exit_code == 0, done.output
        assert f": signed by {public}: manifest.json" in done.output


def test_without_a_key_it_is_said_which_releases_are_signed(tmp_path: Path, cdn: Path) -> None:
    private, _ = keys.pair(tmp_path)
    signed_release(tmp_path, private)
    done = run_verify(cdn, "--json")
    assert done.exit_code == 0
    said = sorted(json.loads(done.output)["signatures"].values())
    carries = "carries a signature, not checked: name a --public-key or an --identity"
    assert said == [carries, "not signed", "not signed"]
    assert "carries a signature, not checked" in run_verify(cdn).output


def test_an_unsigned_release_is_a_fault_where_a_key_is_named(tmp_path: Path, cdn: Path) -> None:
    _, public = keys.pair(tmp_path)
    done = run_verify(cdn, "--public-key", public)
    assert done.exit_code == 1
    assert done.output.count("manifest.json.sig: not signed\n") == 2


def test_a_manifest_that_was_changed_with_its_name_and_pointer_is_a_fault(tmp_path: Path) -> None:
    """What hashes cannot tell: all of them were made anew, by someone without the key."""
    private, public = keys.pair(tmp_path)
    cdn = signed_release(tmp_path, private)
    forged = manifest(artifact(tmp_path / "forged", b"evil"))
    other = publish(forged, at(tmp_path / "forged"), cdn, "latest")
    folder = cdn / "m" / "releases"
    (honest,) = (path for path in folder.iterdir() if path.name != other.id)
    (folder / other.id / SIGNATURE).write_bytes((honest / SIGNATURE).read_bytes())
    assert run_verify(cdn / "m" / "latest.json").exit_code == 0
    done = run_verify(cdn / "m" / "latest.json", "--public-key", public)
    assert done.exit_code == 1
    assert re.search(r"the signature does not hold: manifest.json.* changed since", done.output)


def test_a_key_that_cannot_be_used_is_told_before_anything_is_read(tmp_path: Path) -> None:
    done = run_verify("https://example.invalid/cdn", "--public-key", tmp_path / "absent.pub")
    assert done.exit_code == 2
    assert done.output == (
        f"error: {tmp_path / 'absent.pub'}: No such file or directory\n"
        "  get it of the private one: openssl ec -in KEY -pubout -out FILE\n"
    )
