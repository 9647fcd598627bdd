"""This process's credentials on Google Cloud: found once, checked at once, and shared by all clients.

By default each client finds out on its first call that there are no credentials, or that they have expired, some
after half a minute of retries. Sharing also fetches one token instead of one per client.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import google.auth
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.auth.transport.requests import Request

from shared.errors import ConfigurationError, DropscribeError, StoreUnavailable

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""IAM, which signs addresses, accepts no narrower scope than this or `iam`; the roles of the service account
decide what a process may do."""
TOKEN_SECONDS = 10.0
"""Most seconds that the token server may take."""


@cache
def default() -> Credentials:
    """Google's application default credentials, checked by fetching a token.

    Raises:
        ConfigurationError: there are none, or they are no longer accepted.
        StoreUnavailable: Google's servers for credentials did not answer in time.
    """
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
        found.refresh(partial(Request(), timeout=TOKEN_SECONDS))  # type: ignore[no-untyped-call]  # google-auth's
    except auth.GoogleAuthError as error:
        raise meaning(error) from error
    return found


def meaning(error: auth.GoogleAuthError | api.Unauthorized) -> DropscribeError:
    """The error to raise for an error of Google's libraries about credentials."""
    said = f"It said: {str(error)[:500]}"
    if isinstance(error, auth.DefaultCredentialsError):
        return ConfigurationError(
            "There are no Google Cloud credentials. On your own computer run `gcloud auth application-default "
            f"login`; on Google Cloud give the service a service account. {said}"
        )
    if isinstance(error, api.Unauthorized) or (isinstance(error, auth.RefreshError) and not error.retryable):
        return ConfigurationError(
            "The Google Cloud credentials are no longer accepted. Run `gcloud auth application-default "
            f"login`, or check that the service account still exists. {said}"
        )
    return StoreUnavailable(
        f"Google's servers for credentials did not answer: look whether the network is there, and try again. {said}"
    )
