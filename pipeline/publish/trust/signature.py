"""Signs release folders with OpenSSF's ``model-signing``, as anyone can check without us.

``manifest.json.sig`` is a Sigstore bundle over the sha256 of every file beside it. The manifest
among them names the sha256 of every published file, so that the signature covers all of them.
``model_signing verify`` knows nothing of this package and checks the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.environment import advice
from pipeline.storage.layout import MANIFEST

if TYPE_CHECKING:
    from model_signing.signing import Config

    from pipeline.manifest.release import ReleaseManifest

SIGNATURE = f"{MANIFEST}.sig"

#: Where the password of an encrypted key is looked for: never on a command line, which others see.
PASSWORD = "PIPELINE_SIGN_PASSWORD"  # noqa: S105

#: The curves that Sigstore bundles know.
CURVES = ("secp256r1", "secp384r1", "secp521r1")

_MAKE_ONE = "make one: openssl ecparam -genkey -name prime256v1 -noout -out FILE"


@dataclass(frozen=True)
class Signer:
    """Signs as one key, or as one identity."""

    said: str
    """What a user reads: who signs."""
    configure: Callable[[], Config]
    public_key: bytes | None
    """PEM of the public key; ``None`` where an identity signs."""

    def sign(self, manifest: ReleaseManifest, folder: Path, besides: Iterable[str] = ()) -> None:
        """Write ``manifest.json.sig`` over everything else in a release's folder.

        Args:
            besides: names of what lies there, or will, and is not vouched for.

        Raises:
            PipelineError: it could not be signed.
        """
        from model_signing import hashing

        ignored = [SIGNATURE, *besides]
        everything = hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=False)
        try:
            config = self.configure().set_hashing_config(everything)
            config.sign(folder, folder / SIGNATURE)
        except Exception as error:  # of the libraries below: of the network, of Sigstore's services
            raise PipelineError(
                f"could not be signed {self.said}: {_first_line(error)}",
                where=f"{manifest['name']}, release {manifest['release']}",
                todo="try again, or publish without signing",
            ) from error


def signer(key: Path | None, *, keyless: bool = False) -> Signer | None:
    """Who signs: checked before anything is made, so that a wrong password costs no build.

    Args:
        key: a private key, PEM.
        keyless: sign as the identity that the CI job has from its OpenID Connect provider.

    Raises:
        ConfigError: the key cannot be used, or there is no identity.
        MissingToolError: the libraries are not installed.
    """
    if key and keyless:
        raise ConfigError("sign with a key or keyless, not both", todo="leave one of them out")
    if not key and not keyless:
        return None
    need_library()
    return _with_key(key) if key else _keyless()


def need_library() -> None:
    """Raises:
    MissingToolError: with the command that installs it.
    """
    try:
        import model_signing.signing
        import model_signing.verifying  # noqa: F401
    except ImportError as error:
        raise MissingToolError(
            f"signatures need a library that is not installed ({error})", todo=f"run: {advice()}"
        ) from error


def _with_key(path: Path) -> Signer:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    password = os.environ.get(PASSWORD) or None
    public = _private_key(path, password).public_key()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Signer(f"with {path}", partial(_key_config, path, password), pem)


def _private_key(path: Path, password: str | None) -> Any:
    """An elliptic-curve private key that bundles can carry signatures of."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password.encode() if password else None)
    except OSError as error:
        raise ConfigError(f"{error.strerror}", where=str(path), todo=_MAKE_ONE) from error
    except (ValueError, TypeError) as error:
        raise _unreadable(path, password, error) from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise ConfigError(
            f"is no key of the curves {', '.join(CURVES)}", where=str(path), todo=_MAKE_ONE
        )
    return key


def _unreadable(path: Path, password: str | None, error: Exception) -> ConfigError:
    """What is wrong with a key: cryptography says it in many words, or in none."""
    if isinstance(error, TypeError) and not password:
        return ConfigError("is encrypted", where=str(path), todo=f"set {PASSWORD} to its password")
    if isinstance(error, TypeError):
        return ConfigError("is not encrypted", where=str(path), todo=f"leave {PASSWORD} unset")
    # With a wrong one out of some 250, what comes out looks like padding, and is no key.
    if "password" in str(error).lower() or (password and b"ENCRYPTED" in path.read_bytes()):
        return ConfigError("the password is wrong", where=str(path), todo=f"correct {PASSWORD}")
    return ConfigError("is no private key in PEM", where=str(path), todo=_MAKE_ONE)


def _key_config(path: Path, password: str | None) -> Config:
    from model_signing.signing import Config

    # Its type says str, and it hands the password to cryptography, which takes bytes only.
    secret: Any = password.encode() if password else None
    return Config().use_elliptic_key_signer(private_key=path, password=secret)


def _keyless() -> Signer:
    """The identity of a CI job. Without one Sigstore would open a browser and wait."""
    from sigstore.oidc import IdentityError, detect_credential

    todo = "in GitHub Actions give the job the permission `id-token: write`; elsewhere use a key"
    try:
        credential = detect_credential()
    except IdentityError as error:
        raise ConfigError(f"no identity to sign as: {_first_line(error)}", todo=todo) from error
    if not credential:
        raise ConfigError("no identity to sign as: this is no CI job that has one", todo=todo)
    return Signer("as this CI job", _keyless_config, None)


def _keyless_config() -> Config:
    from model_signing.signing import Config

    return Config().use_sigstore_signer(use_ambient_credentials=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
