"""Store over Cloud Storage.

Who uses it needs `roles/storage.objectViewer` on buckets it reads and `roles/storage.objectCreator` on
buckets it writes; signed addresses need `roles/iam.serviceAccountTokenCreator` of the service account on
itself. Where `STORAGE_EMULATOR_HOST` is set the client goes there, without credentials.
"""

from __future__ import annotations

import os
import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import google.auth
from google.api_core.exceptions import NotFound, PreconditionFailed, RequestRangeNotSatisfiable
from google.auth.credentials import AnonymousCredentials, Credentials, Signing
from google.auth.exceptions import TransportError
from google.auth.transport.requests import Request
from google.cloud import storage  # type: ignore[import-untyped]  # no type information is published
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]  # the same

from shared.adapters.storage_errors import CREATOR, READER, SIGNER, explained
from shared.errors import BadMedia, BadRequest, ConfigurationError, StoreUnavailable
from shared.model import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for each answer."""
RETRY = DEFAULT_RETRY.with_timeout(120.0)
"""Reads are idempotent: the client repeats them with back-off for that many seconds in all."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""IAM's signBlob takes no narrower one than this or `iam`."""
LONGEST_SIGNATURE = 7 * 24 * 3600.0
"""Seconds: the limit of version 4 signatures (cloud.google.com/storage/docs/access-control/signed-urls)."""
WRITE_ID = "write-id"
"""Custom metadata that tells one call of `create` from all others."""
LISTED = "items(name,generation,size,contentType,metadata),nextPageToken"
"""The fields that make a StoredObject: a page of a large bucket is then a third of its size."""


class GcsStore:
    """Objects in Cloud Storage; safe to use from several threads.

    Implements `shared.ports.Store`. Generations are Cloud Storage's own. The client is built on first use.

    Args:
        project: the project to name in requests; None is that of the credentials.
        credentials: None takes Google's application default credentials.
    """

    def __init__(self, project: str | None = None, credentials: Credentials | None = None) -> None:
        self._project = project
        self._credentials = credentials
        self._opened: storage.Client | None = None
        self._lock = threading.Lock()

    def stat(self, bucket: str, name: str) -> StoredObject | None:
        """The live generation of an object, or None where there is no such object.

        Raises:
            StoreUnavailable, ConfigurationError: see `storage_errors`.
        """
        with explained(f"look at {name}", bucket, READER):
            found = self._bucket(bucket).get_blob(_legal(name), timeout=TIMEOUT, retry=RETRY)
            return None if found is None else _object(bucket, found)

    def read(self, source: StoredObject, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end of the object.

        The bytes are those of the generation, as stored. In a bucket with versioning a generation that was
        replaced can still be read.

        Raises:
            BadMedia: code `missing`, where this generation is gone (deleted or replaced).
            StoreUnavailable, ConfigurationError: see `storage_errors`.
        """
        wanted = min(length, source.size - start)
        if wanted <= 0:
            return b""
        with explained(f"read {source.name}", source.bucket, READER):
            blob = self._bucket(source.bucket).blob(_legal(source.name), generation=source.generation)
            try:
                data: bytes = blob.download_as_bytes(
                    start=start,
                    end=start + wanted - 1,
                    # The stored bytes: unpacking what is marked as gzip would make nonsense of ranges.
                    raw_download=True,
                    # Cloud Storage has checksums of whole objects only.
                    checksum=None,
                    single_shot_download=True,
                    timeout=TIMEOUT,
                    retry=RETRY,
                )
            except (NotFound, PreconditionFailed, RequestRangeNotSatisfiable) as error:
                raise BadMedia(
                    "missing",
                    f"{source.uri} was deleted or replaced since it was uploaded (generation "
                    f"{source.generation}). Upload it again; a replaced file is transcribed as a new one.",
                ) from error
        if len(data) != wanted:
            raise StoreUnavailable(f"Cloud Storage sent {len(data)} of {wanted} bytes of {source.uri}.")
        return data

    def create(self, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        """Write an object that does not exist yet; False, and nothing written, where it does.

        The object appears whole or not at all, and is durable when this returns. The precondition makes the
        request safe to repeat, so it is, as often as reads are. Where an answer was lost and the repetition
        finds an object, that may be our own: a random id in its metadata tells, even where another writer
        stored the same bytes. So exactly one of all callers gets True.

        Raises:
            StoreUnavailable: it is not known whether the object was written; calling again is safe.
            ConfigurationError, BadRequest: see `storage_errors`.
        """
        write_id = uuid.uuid4().hex
        lost: list[Exception] = []

        def write() -> None:
            blob = self._bucket(bucket).blob(_legal(name))
            blob.metadata = {WRITE_ID: write_id}
            blob.upload_from_string(
                data,
                content_type=content_type,
                if_generation_match=0,
                timeout=TIMEOUT,
                # Repeated below, where we learn of each failure.
                retry=None,
            )

        with explained(f"write {name}", bucket, CREATOR):
            try:
                RETRY(write, on_error=lost.append)()
            except PreconditionFailed:
                return bool(lost) and self._wrote(bucket, name, write_id)
        return True

    def load(self, bucket: str, name: str) -> bytes | None:
        """The whole content of a small object, or None where there is no such object.

        Raises:
            StoreUnavailable, ConfigurationError: see `storage_errors`.
        """
        with explained(f"read {name}", bucket, READER):
            try:
                data: bytes = (
                    self._bucket(bucket)
                    .blob(_legal(name))
                    .download_as_bytes(raw_download=True, timeout=TIMEOUT, retry=RETRY)
                )
            except NotFound:
                return None
        return data

    def signed_url(self, source: StoredObject, seconds: float) -> str | None:
        """An address from which anybody may read this generation for a while (at most 7 days).

        IAM signs in the name of the service account, so there is no key file: its credentials need
        `roles/iam.serviceAccountTokenCreator` on their own service account. None where the credentials are
        those of a person or of nobody (an emulator), who cannot sign.

        Raises:
            StoreUnavailable: IAM did not answer.
            ConfigurationError: IAM refuses to sign.
        """
        with explained(f"sign an address of {source.name}", source.bucket, SIGNER):
            blob = self._bucket(source.bucket).blob(_legal(source.name))
            signing = self._signing()
            if signing is None:
                return None
            try:
                url: str = blob.generate_signed_url(
                    version="v4",
                    expiration=timedelta(seconds=min(max(seconds, 1.0), LONGEST_SIGNATURE)),
                    method="GET",
                    generation=source.generation,
                    **signing,
                )
            except TransportError as error:
                if "PERMISSION_DENIED" not in str(error):
                    raise
                raise ConfigurationError(
                    f"IAM refuses to sign addresses in the name of {signing['service_account_email']}. Give "
                    f"this service account {SIGNER} on itself, and enable the API "
                    f"iamcredentials.googleapis.com. It said: {str(error)[:500]}"
                ) from error
        return url

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """The live objects whose name starts with `prefix`, in order of their names.

        Raises:
            StoreUnavailable, ConfigurationError: see `storage_errors`.
        """
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

    def _bucket(self, name: str) -> Any:
        return self._client().bucket(name)

    def _client(self) -> storage.Client:
        with self._lock:
            if self._opened is None:
                project = self._project
                if self._credentials is None:
                    if os.environ.get("STORAGE_EMULATOR_HOST"):
                        self._credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth's
                    else:
                        self._credentials, found = google.auth.default(scopes=[SCOPE])
                        project = project or found
                self._opened = storage.Client(project=project, credentials=self._credentials)
            return self._opened

    def _signing(self) -> dict[str, Any] | None:
        """Arguments of `generate_signed_url` that say who signs; None where nobody can."""
        # Which class they are is known only when they were found.
        credentials: Any = self._credentials
        if isinstance(credentials, Signing):
            return {"credentials": credentials}
        if getattr(credentials, "service_account_email", None) is None:
            return None
        if not credentials.valid:
            # Only then do the credentials of a machine know their account's real name.
            credentials.refresh(Request())
        return {
            "service_account_email": credentials.service_account_email,
            "access_token": credentials.token,
        }

    def _wrote(self, bucket: str, name: str, write_id: str) -> bool:
        with explained(f"look at {name}", bucket, READER):
            found = self._bucket(bucket).get_blob(name, timeout=TIMEOUT, retry=RETRY)
        return found is not None and (found.metadata or {}).get(WRITE_ID) == write_id


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
    """The name, where it is one (cloud.google.com/storage/docs/objects#naming)."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise BadRequest(f"{name!a} is not a legal name: it is not Unicode text") from error
    if not 1 <= length <= 1024:
        raise BadRequest(f"a name needs 1 to 1024 bytes, this one has {length}: {name[:80]}")
    if name in {".", ".."} or "\r" in name or "\n" in name:
        raise BadRequest(f"{name!r} is not a legal name of an object")
    return name
