"""Signed URLs, from which anyone can read one object for a while, without a key file.

IAM's signBlob signs in the name of the service account; its credentials need the role
`roles/iam.serviceAccountTokenCreator` on the service account itself, and the API
iamcredentials.googleapis.com must be enabled.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.auth.credentials import Signing
from google.auth.exceptions import TransportError
from google.auth.transport.requests import Request

from shared.adapters.storage_errors import SIGNER
from shared.errors import ConfigurationError

LONGEST = 7 * 24 * 3600.0
"""Longest validity of version 4 signatures, seconds (cloud.google.com/storage/docs/access-control/signed-urls)."""


def sign(blob: Any, generation: int, seconds: float, credentials: Any) -> str | None:
    """A signed URL of one generation; None if the credentials are a person's or anonymous.

    Valid for `seconds`, at most `LONGEST`. The credentials are google-auth's, of any class.

    Raises:
        ConfigurationError: IAM refuses to sign.
        google.auth.exceptions.GoogleAuthError: IAM or the credentials' server did not answer.
    """
    who = _signing(credentials)
    if who is None:
        return None
    try:
        url: str = blob.generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=min(max(seconds, 1.0), LONGEST)),
            method="GET",
            generation=generation,
            **who,
        )
    except TransportError as error:
        if "PERMISSION_DENIED" not in str(error):
            raise
        raise ConfigurationError(
            f"IAM refuses to sign addresses in the name of {who['service_account_email']}. Give this service "
            f"account {SIGNER} on itself, and enable the API iamcredentials.googleapis.com. It said: "
            f"{str(error)[:500]}"
        ) from error
    return url


def _signing(credentials: Any) -> dict[str, Any] | None:
    """Arguments of `generate_signed_url` for the signer; None if these credentials cannot sign."""
    if isinstance(credentials, Signing):
        return {"credentials": credentials, "service_account_email": credentials.signer_email}
    if getattr(credentials, "service_account_email", None) is None:
        return None
    if not credentials.valid:
        # Only after a refresh do a machine's credentials know the real name of their account.
        credentials.refresh(Request())
    return {
        "service_account_email": credentials.service_account_email,
        "access_token": credentials.token,
    }
