from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import S3, running_s3


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """moto's S3, with a bucket named ``models``."""
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with running_s3() as server:
        boto3.client("s3", endpoint_url=server.address, **keys).create_bucket(Bucket="models")
        yield server


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, as a user's environment names one; it answers as it should."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_server.requests.clear()
    yield s3_server
    s3_server.failing.clear()
    s3_server.lost.clear()
    s3_server.denied.clear()
    s3_server.unconditional = False
    s3_server.before = s3_server.after = lambda method, path: None


@pytest.fixture
def bucket(s3: S3) -> str:
    """A place of its own in the bucket."""
    return f"s3://models/{secrets.token_hex(4)}"


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Somewhere to publish to, of each kind."""
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    if request.param == "memory":
        return f"memory://{secrets.token_hex(4)}/cdn"
    return str(tmp_path / "cdn")
