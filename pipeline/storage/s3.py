"""``s3://``: Amazon S3 and what speaks its protocol, through s3fs.

Channels are moved by conditional writes (``If-Match``, ``If-None-Match``), which S3 has had since
November 2024. Credentials, region and endpoint come from where the AWS tools find theirs
(``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``, ``AWS_ENDPOINT_URL``, …) and from fsspec's configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.storage.base import Content
from pipeline.storage.headers import Headers, headers
from pipeline.storage.kind import StorageKind
from pipeline.storage.patience import Patience
from pipeline.storage.remote import RemoteStorage

#: Changed since it was read; removed since; another write to it is under way.
REFUSED = (412, 404, 409)


class S3Storage(RemoteStorage):
    """A bucket, or a prefix in one."""

    swaps = True
    parallel = 16

    def __init__(self, url: str, patience: Patience | None = None, **options: Any) -> None:
        from fsspec.config import conf

        configured = conf.get("s3", {}).get("config_kwargs", {})
        # botocore and s3fs would each try again by themselves, and multiply ours.
        once = {"retries": {"mode": "standard", "total_max_attempts": 1}}
        super().__init__(url, patience, config_kwargs={**once, **configured}, **options)
        self.fs.retries = 1

    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        match = {"IfMatch": expected.version} if expected else {"IfNoneMatch": "*"}
        return self._write(path, self._put_if, data, headers(path), match)

    def _put_if(self, full: str, data: bytes, head: Headers, match: dict[str, str]) -> bool:
        try:
            self.fs.pipe_file(full, data, **_metadata(head), **match)
        except OSError as error:
            if _status(error) in REFUSED and _code(error) != "NoSuchBucket":
                return False
            raise
        return True

    def _read(self, full: str, limit_bytes: int) -> Content:
        from fsspec.asyn import sync

        content: Content = sync(self.fs.loop, self._get, full, limit_bytes)
        return content

    async def _get(self, full: str, limit_bytes: int) -> Content:
        """The bytes and the entity tag of one answer."""
        bucket, key, _ = self.fs.split_path(full)
        answer = await self.fs._call_s3("get_object", Bucket=bucket, Key=key)
        async with answer["Body"] as body:
            if answer["ContentLength"] > limit_bytes:
                raise ValueError(f"larger than {limit_bytes:,} bytes")
            return Content(await body.read(), answer["ETag"])

    def _put_file(self, full: str, source: Path, head: Headers) -> None:
        self.fs.put_file(str(source), full, **_metadata(head))

    def _put(self, full: str, data: bytes, head: Headers) -> None:
        self.fs.pipe_file(full, data, **_metadata(head))

    def _remove(self, full: list[str]) -> None:
        self.fs.rm(full)

    def passing(self, error: BaseException) -> bool:
        import aiohttp
        from botocore.exceptions import ConnectionError, HTTPClientError, IncompleteReadError

        broken = (ConnectionError, HTTPClientError, IncompleteReadError, aiohttp.ClientError)
        status = _status(error)
        return (
            isinstance(error, broken)
            or status in (429, 500, 502, 503, 504)
            or super().passing(error)
        )

    def _failed(self, path: str, error: Exception) -> PipelineError:
        from botocore.exceptions import NoCredentialsError

        if isinstance(error, NoCredentialsError):
            return PipelineError(
                "there are no credentials for it",
                where=self.where,
                todo="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            )
        return super()._failed(path, error)


KIND = StorageKind("s3", ("s3", "s3a"), S3Storage)


def _metadata(head: Headers) -> dict[str, str]:
    """The headers that the object is served with."""
    metadata = {"ContentType": head.content_type, "CacheControl": head.cache_control}
    return metadata | ({"ContentEncoding": head.content_encoding} if head.content_encoding else {})


def _response(error: BaseException) -> dict[str, Any]:
    # s3fs raises errors of Python's own, with botocore's as their cause.
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    return response if isinstance(response, dict) else {}


def _status(error: BaseException) -> int | None:
    status = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status if isinstance(status, int) else None


def _code(error: BaseException) -> str | None:
    code = _response(error).get("Error", {}).get("Code")
    return code if isinstance(code, str) else None
