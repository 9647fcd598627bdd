"""Store over Cloud Storage.

It needs `roles/storage.objectViewer` on the buckets it reads, `roles/storage.objectCreator` on the buckets it writes,
and `roles/storage.objectUser` on the transcripts bucket; signed URLs need `roles/iam.serviceAccountTokenCreator` of the service account on itself. If
`STORAGE_EMULATOR_HOST` is set the client connects to it, without credentials.
"""

from __future__ import annotations

import mimetypes
import os
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from weakref import WeakKeyDictionary

from google.api_core.exceptions import NotFound, PreconditionFailed, RequestRangeNotSatisfiable
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.storage import Client  # type: ignore[import-untyped]  # no type information is published
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]  # the same

from shared.adapters import credentials as shared_credentials
from shared.adapters.signed_urls import sign
from shared.adapters.storage_errors import CREATOR, DELETER, READER, SIGNER, explained
from shared.errors import BadMedia, BadRequest, StoreUnavailable
from shared.model import StoredObject
from shared.settings import BUCKET_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PIECE = 8 * 1024 * 1024
"""Bytes of a large object in one request, all of which are in memory; a multiple of 256 KiB, as Cloud Storage wants."""
AT_A_TIME = 8
"""Objects written in parallel."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for each answer."""
RETRY = DEFAULT_RETRY.with_timeout(120.0)
"""Reads are idempotent: the client repeats them with back-off, for that many seconds in total."""
NO_BUCKET_LOOKUPS = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
"""Since 3.11 the client looks up every bucket in the background, for traces that are not enabled: that needs a
permission we do not have, and disturbs the connection in use (googleapis/google-cloud-python issues 17650 and
18116). The client reads this variable at each request."""
WRITE_ID = "write-id"
"""Custom metadata that distinguishes one call of `create` from all others."""
LISTED = "items(name,generation,size,contentType,metadata),nextPageToken"
"""The fields of a StoredObject: they reduce a page of a large bucket to a third of its size."""


class GcsStore:
    """Objects in Cloud Storage. Thread-safe.

    Implements `shared.ports.Store`. Generations are Cloud Storage's own. The client is built on first use. Without a
    project and credentials, Google's defaults.

    Raises:
        StoreUnavailable, ConfigurationError, BadRequest: every method, see `storage_errors`. What was to be written or
            deleted may have been; calling again is safe.
    """

    def __init__(self, project: str | None = None, credentials: Credentials | None = None) -> None:
        self._project = project
        self._credentials = credentials
        self._opened: Client | None = None
        self._lock = threading.Lock()
        self._write_ids: WeakKeyDictionary[BinaryIO, str] = WeakKeyDictionary()

    def stat(self, bucket: str, name: str) -> StoredObject | None:
        """The live generation of an object, or None if there is no such object."""
        with explained(f"look at {name}", bucket, READER):
            found = self._live(bucket, name)
            if found is None:
                self._look_for(bucket, name)
                return None
            return _object(bucket, found)

    def read(self, source: StoredObject, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end of the object.

        The bytes are those of the generation, as stored. In a bucket with versioning a generation that was
        replaced can still be read.

        Raises:
            BadMedia: code `missing`, if this generation is gone (deleted or replaced).
        """
        wanted = min(length, source.size - start)
        if wanted <= 0:
            return b""
        with explained(f"read {source.name}", source.bucket, READER):
            blob = self._blob(source.bucket, source.name, source.generation)
            try:
                # Cloud Storage has checksums of whole objects only.
                data = _download(blob, start=start, end=start + wanted - 1, checksum=None)
            except (NotFound, PreconditionFailed, RequestRangeNotSatisfiable) as error:
                self._look_for(source.bucket, source.name)
                raise BadMedia(
                    "missing",
                    f"{source.uri} was deleted or replaced since it was uploaded (generation "
                    f"{source.generation}). Upload it again; a replaced file is transcribed as a new one.",
                ) from error
        if len(data) != wanted:
            raise StoreUnavailable(f"Cloud Storage sent {len(data)} of {wanted} bytes of {source.uri}.")
        return data

    def create(self, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        """Write an object unless it exists; False, with nothing written, if it does.

        The object appears whole or not at all, and is durable when this returns. The precondition makes the
        request safe to repeat, so it is retried like a read. If an answer was lost and the retry finds an
        object, it may be our own: a random id in its metadata tells, even if another writer stored the same
        bytes. So exactly one of all callers gets True.
        """
        write_id = uuid.uuid4().hex
        lost: list[Exception] = []

        def write() -> None:
            blob = self._blob(bucket, name)
            blob.metadata = {WRITE_ID: write_id}
            blob.upload_from_string(
                data,
                content_type=content_type,
                if_generation_match=0,
                timeout=TIMEOUT,
                # Retried below, with a callback for each failure.
                retry=None,
            )

        with explained(f"write {name}", bucket, CREATOR):
            try:
                RETRY(write, on_error=lost.append)()
            except PreconditionFailed:
                if (found := self.stat(bucket, name)) is None:
                    raise  # for another reason, such as a policy of the organisation
                return bool(lost) and found.metadata.get(WRITE_ID) == write_id
        return True

    def create_all(self, bucket: str, objects: Mapping[str, tuple[bytes, str]]) -> set[str]:
        """Write the objects that do not exist yet, and return their names; like `create`, but in parallel."""
        with ThreadPoolExecutor(max(1, min(AT_A_TIME, len(objects))), thread_name_prefix="create") as pool:
            created = pool.map(lambda one: self.create(bucket, one[0], *one[1]), objects.items())
            return {name for name, was_created in zip(objects, created, strict=True) if was_created}

    def stage(self, bucket: str) -> BinaryIO:  # noqa: ARG002 - one place on this machine for all buckets
        """A new file in the temporary folder of this machine, for `create_from`; gone once it is closed."""
        return cast("BinaryIO", tempfile.TemporaryFile())

    def create_from(
        self,
        bucket: str,
        name: str,
        file: BinaryIO,
        *,
        metadata: Mapping[str, str],
        ahead: Callable[[StoredObject], object],  # noqa: ARG002 - Cloud Storage keeps metadata
    ) -> StoredObject | None:
        """Upload a file; None, with nothing written, if an object of that name exists.

        It goes in pieces of `PIECE` bytes, each of which the client repeats if it has to. If the answer to the last one
        was lost, a random id of the file in the object's metadata tells whether it is ours.
        """
        write_id = self._write_ids.setdefault(file, uuid.uuid4().hex)
        with explained(f"write {name}", bucket, CREATOR):
            blob = self._blob(bucket, name)
            blob.metadata = {**metadata, WRITE_ID: write_id}
            blob.chunk_size = PIECE
            content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
            try:
                blob.upload_from_file(
                    file,
                    size=file.seek(0, os.SEEK_END),
                    rewind=True,
                    content_type=content_type,
                    if_generation_match=0,
                    timeout=TIMEOUT,
                    retry=RETRY,
                )
            except PreconditionFailed:
                if (found := self.stat(bucket, name)) is None:
                    raise  # as in `create`
                return found if found.metadata.get(WRITE_ID) == write_id else None
            return _object(bucket, blob)

    def delete(self, bucket: str, name: str, generation: int) -> bool:
        """Delete one generation of an object; False, with nothing deleted, if it is not the live one.

        In a bucket with versioning it becomes a noncurrent one.
        """
        # The precondition is what counts; the look comes first because the emulator ignores it.
        found = self.stat(bucket, name)
        if found is None or found.generation != generation:
            return False

        def delete() -> None:
            self._blob(bucket, name).delete(if_generation_match=generation, timeout=TIMEOUT, retry=None)

        with explained(f"delete {name}", bucket, DELETER):
            try:
                RETRY(delete)()
            except (NotFound, PreconditionFailed):
                return False
        return True

    def load(self, bucket: str, name: str) -> bytes | None:
        """The whole content of a small object, or None if there is no such object."""
        with explained(f"read {name}", bucket, READER):
            try:
                return _download(self._blob(bucket, name))
            except NotFound:
                return None

    def signed_url(self, source: StoredObject, seconds: float) -> str | None:
        """A URL from which anyone can read this generation for `seconds` (at most 7 days).

        None if the credentials are a person's or anonymous (an emulator), which cannot sign.
        See `signed_urls` for what a service account needs.
        """
        with explained(f"sign an address of {source.name}", source.bucket, SIGNER):
            blob = self._blob(source.bucket, source.name)
            return sign(blob, source.generation, seconds, self._credentials)

    def upload_url(
        self,
        bucket: str,
        name: str,
        *,
        size: int,
        content_type: str,
        metadata: Mapping[str, str],
        origin: str,
    ) -> str | None:
        """The address of a resumable upload, which needs no credentials and is valid for a week.

        https://cloud.google.com/storage/docs/resumable-uploads#session-uris: its holder may upload this one object,
        so keep it out of logs.
        """
        with explained(f"begin the upload of {name}", bucket, CREATOR):
            blob = self._blob(bucket, name)
            blob.metadata = dict(metadata)
            url: str = blob.create_resumable_upload_session(
                content_type=content_type,
                size=size,
                origin=origin or None,
                if_generation_match=0,
                timeout=TIMEOUT,
                # An unused session is no object.
                retry=RETRY,
            )
        return url

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """The live objects whose name starts with `prefix`, in order of their names."""
        with explained("list objects", bucket, READER):
            pages = self._client().list_blobs(
                bucket, prefix=prefix or None, fields=LISTED, timeout=TIMEOUT, retry=RETRY
            )
            for blob in pages:
                yield _object(bucket, blob)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _blob(self, bucket: str, name: str, generation: int | None = None) -> Any:
        legal = _legal(name)
        if not BUCKET_NAME.fullmatch(bucket):
            raise BadRequest(f"{bucket!r} is not a bucket name. Check the spelling of gs://bucket/name.")
        return self._client().bucket(bucket).blob(legal, generation=generation)

    def _look_for(self, bucket: str, name: str) -> None:
        """Raise NotFound if the bucket itself is missing, which reading one of its objects does not tell."""
        page = self._client().list_blobs(
            bucket, prefix=name, max_results=1, fields=LISTED, timeout=TIMEOUT, retry=RETRY
        )
        next(iter(page), None)

    def _live(self, bucket: str, name: str) -> Any:
        """The object with its properties, or None if there is none."""
        blob = self._blob(bucket, name)
        try:
            blob.reload(timeout=TIMEOUT, retry=RETRY)
        except NotFound:
            return None
        return blob

    def _client(self) -> Client:
        with self._lock:
            if self._opened is None:
                if self._credentials is None:
                    if os.environ.get("STORAGE_EMULATOR_HOST"):
                        self._credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth's
                    else:
                        self._credentials = shared_credentials.default()
                os.environ.setdefault(NO_BUCKET_LOOKUPS, "true")
                self._opened = Client(project=self._project, credentials=self._credentials)
            return self._opened


def _download(blob: Any, **options: Any) -> bytes:
    """The stored bytes of an object: ranges of decompressed gzip would make no sense."""
    # Retried here and not by the client, which does not close connections after an error.
    data: bytes = RETRY(blob.download_as_bytes)(
        raw_download=True, single_shot_download=True, timeout=TIMEOUT, retry=None, **options
    )
    return data


def _object(bucket: str, blob: Any) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        name=blob.name,
        generation=int(blob.generation),
        size=int(blob.size),
        content_type=blob.content_type or "application/octet-stream",
        metadata={str(key): str(value) for key, value in (blob.metadata or {}).items()},
    )


def _legal(name: str) -> str:
    """The name, if it is valid (cloud.google.com/storage/docs/objects#naming)."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise BadRequest(f"{name!a} is not a valid name: it is not Unicode text") from error
    if not 1 <= length <= 1024:
        raise BadRequest(f"a name must have 1 to 1024 bytes, this one has {length}: {name[:80]}")
    if name in {".", ".."} or "\r" in name or "\n" in name:
        raise BadRequest(f"{name!r} is not a valid name of an object")
    return name
