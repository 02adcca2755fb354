"""Keys for tests of signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PEM = serialization.Encoding.PEM


def write_private(path: Path, key: Any, password: str | None = None) -> Path:
    encryption: Any = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, encryption))
    return path


def write_public(path: Path, key: Any) -> Path:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(PEM, form))
    return path


def pair(folder: Path, name: str = "key", password: str | None = None) -> tuple[Path, Path]:
    """The files of a new P-256 key: private, public."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = write_private(folder / f"{name}.pem", key, password)
    return private, write_public(folder / f"{name}.pub", key)


def write_quick(path: Path, password: str) -> Path:
    """A new key in OpenSSL's old form, with which passwords are tried a thousand times a second."""
    encryption = serialization.BestAvailableEncryption(password.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    old = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(PEM, old, encryption))
    return path


def seeming(private: Path) -> str:
    """A wrong password with which a key looks as if it were decrypted, and damaged."""
    for attempt in range(10_000):
        try:
            serialization.load_pem_private_key(private.read_bytes(), str(attempt).encode())
        except ValueError as error:
            if "password" not in str(error).lower():
                return str(attempt)
    raise AssertionError("there should have been one in some 250")


def unusable() -> dict[str, Any]:
    """Keys that no bundle can carry signatures of."""
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    }
