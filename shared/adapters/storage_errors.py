"""Errors of Cloud Storage as errors of Dropscribe.

- StoreUnavailable: it is too busy, unreachable, or its answer was cut short, even after the client's retries.
- BucketRefused: a permission or the bucket is missing; names the role.
- ConfigurationError: the credentials are missing; names the command.
- BadRequest: a name is not valid there.
- Permanent: the request can never succeed.
- BucketRefused as well: any other refusal, which an owner of the bucket can lift.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
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
DELETER = "roles/storage.objectUser"
"""Deletes the files of a transcript that could not be written completely."""
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
HOPELESS = frozenset({405, 411, 413, 414})
"""Status codes of requests that can never succeed. Any other refusal below 500 may be lifted."""
ILLEGAL_NAME = re.compile(r"(bucket|object)('s)? name|unicode", re.IGNORECASE)
"""What Cloud Storage says of a name; its other answers with 400 say nothing about one."""
AGAIN = frozenset({408, 429})
"""Status codes below 500 after which a retry may help."""
TOO_MUCH = re.compile(r"(rateLimit|quota)Exceeded", re.IGNORECASE)
"""Reasons of a 403 that say nothing about a permission (cloud.google.com/storage/docs/json_api/v1/status-codes)."""


@contextmanager
def explained(doing: str, bucket: str, role: str) -> Iterator[None]:
    """Convert the client's exceptions to errors of `shared/errors.py`.

    `doing` is an infinitive for the message, such as `read talk.mp3`; `role` is the role that allows it.

    Raises:
        StoreUnavailable: a retry may help.
        BucketRefused: a permission or the bucket is missing, or the bucket's owner must change something.
        ConfigurationError: the credentials are missing.
        BadRequest: a name is not valid.
        Permanent: the request can never succeed.
    """
    try:
        yield
    except EXPECTED as error:
        raise meaning(error, doing, bucket, role) from error


def meaning(  # noqa: PLR0911 - one for each meaning
    error: Exception, doing: str, bucket: str, role: str
) -> DropscribeError:
    """The error to raise for one of the client's; see `explained`."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        error = error.cause
    # The server's answer may have line breaks; a reason is one line.
    said = f"It said: {' '.join(str(error).split())[:500]}"
    too_much = TOO_MUCH.search(f"{said} {getattr(error, 'errors', '')}")
    if isinstance(error, api.Forbidden) and not too_much:
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
    if (code := _refusal(error)) is None or code in AGAIN or too_much:
        return StoreUnavailable(f"Cloud Storage did not {doing} in {bucket} in time. {said}")
    if code == HTTPStatus.BAD_REQUEST and ILLEGAL_NAME.search(said):
        return BadRequest(f"Cloud Storage cannot {doing} in {bucket}: the name is not valid there. {said}")
    if code in HOPELESS:
        return Permanent(f"Cloud Storage refuses to {doing} in {bucket}. {said}")
    # Requester pays, a disabled key, a policy: an owner of the bucket can change it, and then it works.
    return BucketRefused(
        f"Cloud Storage refuses to {doing} in {bucket}. Change what it complains about; until then it is tried "
        f"again. {said}"
    )


def _refusal(error: Exception) -> int | None:
    """The status code from 400 to 499 with which the service answered, None for anything else."""
    code = error.code if isinstance(error, api.GoogleAPICallError) else None
    return int(code) if code is not None and 400 <= code < 500 else None
