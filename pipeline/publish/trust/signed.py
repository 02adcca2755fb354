"""Checks the signature of a release, wherever its files are read from."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.publish.trust.signature import SIGNATURE, need_library
from pipeline.storage.layout import MANIFEST

if TYPE_CHECKING:
    from model_signing.verifying import Config

#: What is said of a signature where nobody is named whose it has to be.
NOT_CHECKED = "carries a signature, not checked: name a --public-key or an --identity"

#: Reads one file of a release's folder by its name there.
Read = Callable[[str], bytes]

#: What a file of a release's folder may be called: a signature's names are not believed before it
#: is checked, and may not lead out of the folder.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Trusted:
    """Whose signatures are believed: a key's, or an identity's that an issuer vouches for."""

    public_key: Path | None = None
    """PEM."""
    identity: str | None = None
    """As in the certificate: an address, or a workflow's URL with its ref."""
    issuer: str | None = None
    """The URL of the OpenID Connect provider."""

    def __bool__(self) -> bool:
        return bool(self.public_key or self.identity or self.issuer)

    def verifier(self) -> Config:
        """Raises:
        PipelineError: the key cannot be used, only half of what is needed is named, or Sigstore's
            root of trust could not be had.
        MissingToolError: the libraries are not installed.
        """
        need_library()
        if self.public_key:
            if self.identity or self.issuer:
                raise ConfigError("check a key or an identity, not both", todo="leave one out")
            return _of_key(self.public_key)
        if not self.identity or not self.issuer:
            raise ConfigError("an identity is one of an issuer", todo="name both of them")
        return _of_identity(self.identity, self.issuer)


_GET_IT = "get it of the private one: openssl ec -in KEY -pubout -out FILE"


def _of_key(path: Path) -> Config:
    from model_signing.verifying import Config

    try:
        return Config().use_elliptic_key_verifier(public_key=path)
    except OSError as error:
        raise ConfigError(f"{error.strerror}", where=str(path), todo=_GET_IT) from error
    except (ValueError, AttributeError) as error:  # of another kind than elliptic curves
        raise ConfigError(
            "is no public key in PEM that can sign releases",
            where=str(path),
            todo=_GET_IT,
        ) from error


def _of_identity(identity: str, issuer: str) -> Config:
    from model_signing.verifying import Config
    from sigstore.errors import Error

    try:
        return Config().use_sigstore_verifier(identity=identity, oidc_issuer=issuer)
    except Error as error:
        raise PipelineError(
            f"Sigstore's root of trust could not be had: {error}",
            todo="identities are checked with it: see that tuf-repo-cdn.sigstore.dev is in reach",
        ) from error


@dataclass(frozen=True)
class SignatureVerdict:
    """What came of checking one release's signature."""

    ok: bool
    said: str
    covered: tuple[str, ...] = ()
    """The files that a signature which holds is of."""


def check(read: Read, trusted: Trusted) -> SignatureVerdict:
    """Check a release's signature against the files that it signs.

    Args:
        read: raises ``FileNotFoundError`` for what is not there.
        trusted: nobody, if none is named: then it is only said whether there is a signature.

    Raises:
        PipelineError: what is trusted cannot be used.
        MissingToolError: the libraries are not installed.
    """
    try:
        bundle = read(SIGNATURE)
    except FileNotFoundError:
        return SignatureVerdict(not trusted, "not signed")
    except ValueError as error:  # far too large for one
        return SignatureVerdict(False, f"is no signature: {error}")
    if not trusted:
        return _seeming(bundle)
    verifier = trusted.verifier()
    try:
        with tempfile.TemporaryDirectory(prefix="pipeline-verify-") as folder:
            names = _copy_signed(bundle, read, Path(folder))
            verifier.verify(Path(folder), Path(folder, SIGNATURE))
    except UnsignedError as error:
        return SignatureVerdict(False, str(error))
    except PipelineError:  # the place that is read from, not what was read
        raise
    except Exception as error:  # whatever goes wrong with what a stranger may have written
        return SignatureVerdict(False, f"the signature does not hold: {_reason_of(error)}")
    return SignatureVerdict(True, f"signed by {_who(trusted)}: {', '.join(names)}", tuple(names))


def _seeming(bundle: bytes) -> SignatureVerdict:
    """Whether it looks like a signature of a release: anybody may have made it."""
    try:
        _signed_files(bundle)
    except UnsignedError as error:
        return SignatureVerdict(False, str(error))
    except Exception as error:  # whatever goes wrong with what a stranger may have written
        return SignatureVerdict(False, f"is no signature: {_reason_of(error)}")
    return SignatureVerdict(True, NOT_CHECKED)


class UnsignedError(Exception):
    """The signature does not say what a release's has to."""


def _copy_signed(bundle: bytes, read: Read, folder: Path) -> list[str]:
    """Copy the files that a bundle names, to be compared with it, and the bundle itself."""
    names = _signed_files(bundle)
    for name in names:
        try:
            (folder / name).write_bytes(read(name))
        except FileNotFoundError:
            raise UnsignedError(f"{name} is signed and is not there") from None
    (folder / SIGNATURE).write_bytes(bundle)
    return names


def _signed_files(bundle: bytes) -> list[str]:
    """The files that a bundle names.

    Raises:
        UnsignedError: they are not a release's.
        Exception: it is no bundle.
    """
    payload = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    names = [resource["name"] for resource in payload["predicate"]["resources"]]
    for name in names:
        if not _NAME.fullmatch(name) or name == SIGNATURE:
            raise UnsignedError(f"the signature names {name!r}, which is no file of a release")
    if MANIFEST not in names:
        raise UnsignedError(f"the signature does not cover {MANIFEST}")
    return names


def _who(trusted: Trusted) -> str:
    return str(trusted.public_key or f"{trusted.identity} ({trusted.issuer})")


def _reason_of(error: Exception) -> str:
    """Why, in words: the library shows digests as Python does, and says nothing of another key."""
    text = " ".join(str(error).split())
    if changed := _CHANGED.findall(text):
        return f"{', '.join(changed)} changed since it was made"
    return text or "it was made with another key"


_CHANGED = re.compile(r"Hash mismatch for \\*'([^'\\]+)")
