"""What lies beside the models in a CDN folder: the client, the demo page and single files."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.base.digest import Tree, tree_digest
from pipeline.cdn.tree import list_models
from pipeline.publish.release.root import DIGITS
from pipeline.publish.release.site import links
from pipeline.publish.upkeep.verify import twins
from pipeline.publish.upkeep.verify.fault import Fault
from pipeline.storage import Readable, Storage
from pipeline.storage.headers import immutable
from pipeline.storage.layout import CLIENT, DEMO, FRONT, INDEX, is_twin, page_path


def root(storage: Readable) -> Iterator[Fault]:
    """The client is one of its versions, each as its name says; twins unpack to their files."""
    yield from twins.beside(storage, "", [INDEX])
    if isinstance(storage, Storage):
        yield from twins.among(storage, storage.walk(DEMO))
        yield from client(storage)
        yield from pages(storage)


def pages(storage: Storage) -> Iterator[Fault]:
    """What the folder's own pages lead to is there."""
    for path in (FRONT, *(page_path(model.name) for model in list_models(storage))):
        content = storage.read(path)
        paths = links(content.data, path) if content else set()
        for missing in sorted(paths - {*storage.sizes(paths)}):
            yield Fault(path, f"leads to {missing}, which is missing")


def list_unchecked(storage: Readable) -> list[str]:
    """What nothing published says the content of."""
    if not isinstance(storage, Storage):
        return [f"{CLIENT}/", f"{DEMO}/", "files at the root"]
    names = storage.names("")
    single = [
        name for name in names if not name.endswith("/") and not is_twin(name) and name != INDEX
    ]
    return [*(f"{DEMO}/" for name in names if name == f"{DEMO}/"), *single]


def client(storage: Storage) -> Iterator[Fault]:
    """Folders of versions are named by what they hold, and the newest client is one of them."""
    newest, versions = _trees(storage)
    for version, tree in versions.items():
        if (digest := _name(tree)) != version:
            yield Fault(
                f"{CLIENT}/{version}/", f"was changed: what it holds has the digest {digest}"
            )
    if newest and _name(newest) not in versions:
        for path in _differing(newest, versions):
            yield Fault(f"{CLIENT}/{path}", "is of none of the versions beside it")


def _trees(storage: Storage) -> tuple[Tree, dict[str, Tree]]:
    """What the newest client and its versions hold."""
    newest: Tree = {}
    versions: dict[str, Tree] = {}
    paths = [path for path in sorted(storage.walk(CLIENT)) if "/." not in path]
    for file in storage.each(lambda path: twins.measure_file(storage, path), paths):
        below = file.path.removeprefix(f"{CLIENT}/")
        if immutable(file.path):
            version, _, below = below.partition("/")
            versions.setdefault(version, {})[below] = (file.sha256, file.bytes)
        else:
            newest[below] = (file.sha256, file.bytes)
    return newest, versions


def _name(tree: Tree) -> str:
    return tree_digest(tree)[:DIGITS]


def _differing(newest: Tree, versions: dict[str, Tree]) -> list[str]:
    """Where the newest client differs from the version that is most like it."""
    differences = [{*newest.items()} ^ {*tree.items()} for tree in versions.values()]
    nearest = min(differences, key=len, default={*newest.items()})
    return sorted({path for path, _ in nearest})
