"""Errors of Cloud Storage as errors of Dropscribe.

- StoreUnavailable: it is too busy, unreachable, or its answer was cut short, even after the client's retries.
- BucketRefused: a permission or the bucket is missing; names the role.
- ConfigurationError: the credentials are missing; names the command.
- BadRequest: a name is not valid there.
- Permanent: it refuses for any other reason.
"""

from __future__ import annotations

from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.storage.exceptions import (  # type: ignore[import-untyped]  # no type information is published
    DataCorruption,
    InvalidResponse,
)
from requests import RequestException
from urllib3.exceptions import HTTPError

from shared.adapters import credentials
from shared.errors import BadRequest, BucketRefused, DropscribeError, Permanent, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = "roles/storage.objectViewer"
"""Includes listing: without it Cloud Storage answers 403 instead of 404 for a missing object."""
CREATOR = "roles/storage.objectCreator"
"""Cannot replace or delete objects, which create-only writing never does."""
SIGNER = "roles/iam.serviceAccountTokenCreator"
"""On the service account itself: without a key file, IAM signs addresses in its name."""

EXPECTED = (
    api.GoogleAPIError,
    auth.GoogleAuthError,
    DataCorruption,
    InvalidResponse,
    HTTPException,
    HTTPError,
    RequestException,
    OSError,
)
"""Errors that the client raises for the service, the network, and bytes damaged in transit. Anything else is a bug of
ours and is not converted."""
AGAIN = frozenset({408, 429})
"""Status codes below 500 after which a retry may help."""


@contextmanager
def explained(doing: str, bucket: str, role: str) -> Iterator[None]:
    """Convert the client's exceptions to errors of `shared/errors.py`.

    Args:
        doing: what was tried, as an infinitive for the message: `read talk.mp3`.
        bucket: the bucket.
        role: the role that allows it.

    Raises:
        StoreUnavailable: a retry may help.
        BucketRefused: a permission or the bucket is missing.
        ConfigurationError: the credentials are missing.
        BadRequest: a name is not valid.
        Permanent: the service refuses for another reason.
    """
    try:
        yield
    except EXPECTED as error:
        raise meaning(error, doing, bucket, role) from error


def meaning(error: Exception, doing: str, bucket: str, role: str) -> DropscribeError:
    """The error to raise for one of the client's; see `explained`."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        error = error.cause
    # The server's answer may have line breaks; a reason is one line.
    said = f"It said: {' '.join(str(error).split())[:500]}"
    if isinstance(error, api.Forbidden):
        where = "itself" if role == SIGNER else f"the bucket {bucket}"
        return BucketRefused(
            f"Cloud Storage does not let this process {doing} in {bucket}. Give its service account {role} on "
            f"{where} and wait a minute. {said}"
        )
    if isinstance(error, api.NotFound):
        return BucketRefused(
            f"Cannot {doing}: there is no bucket {bucket}. Check its name, in the settings or in the request, "
            f"or create it. {said}"
        )
    if isinstance(error, (auth.GoogleAuthError, api.Unauthorized)):
        return credentials.meaning(error)
    if isinstance(error, api.BadRequest):
        return BadRequest(f"Cloud Storage cannot {doing} in {bucket}: the name is not valid there. {said}")
    if isinstance(error, api.ClientError) and error.code not in AGAIN:
        return Permanent(f"Cloud Storage refuses to {doing} in {bucket}. {said}")
    return StoreUnavailable(f"Cloud Storage did not {doing} in {bucket} in time. {said}")
