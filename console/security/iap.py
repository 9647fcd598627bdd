"""The header that Identity-Aware Proxy signs: who is asking, on Cloud Run.

https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.errors import ConfigurationError
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers

HEADER = "x-goog-iap-jwt-assertion"
KEYS = "https://www.gstatic.com/iap/verify/public_key"
ISSUER = "https://cloud.google.com/iap"
LASTS, LASTS_FAILED = 3600.0, 10.0
"""Seconds for which fetched keys are used, and for which a failure is."""


class Kept:
    """Fetches a URL once an hour: otherwise anyone could make this server fetch keys."""

    def __init__(self, fetch: Callable[..., Any], now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Any]] = {}

    def __call__(self, url: str, method: str = "GET", **more: Any) -> Any:
        """The answer, perhaps an earlier one."""
        with self._lock:
            until, answer = self._known.get(url, (0.0, None))
            if answer is None or self._now() >= until:
                answer = self._fetch(url, method=method, **more)
                # What failed is not asked for again at once, either.
                lasts = LASTS if answer.status == HTTPStatus.OK else LASTS_FAILED
                self._known[url] = (self._now() + lasts, answer)
            return answer


def signed_by_iap(audience: str) -> Callable[[Headers], str]:
    """What gives the account in the signed header of a request; empty if there is none, or it is not genuine.

    The audience of the signature is `/projects/NUMBER/locations/REGION/services/NAME`.

    Raises:
        ConfigurationError: Google's library is not installed.
    """
    try:
        from google.auth.transport import requests  # noqa: PLC0415 - only where a proxy stands before the console
        from google.oauth2 import id_token  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ConfigurationError(
            "Verifying the headers of Identity-Aware Proxy takes the extra `google`: pip install 'dropscribe[google]'."
        ) from error
    fetch: Any = Kept(requests.Request())

    def signed(headers: Headers) -> str:
        if not (given := headers.get(HEADER, "")):
            return ""
        try:
            claims = id_token.verify_token(given, fetch, audience=audience, certs_url=KEYS)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it vouches for no account
            log.warning("a request without a valid signature was refused: %s", type(error).__name__)
            return ""
        if claims.get("iss") != ISSUER:
            return ""
        return str(claims.get("email") or claims.get("sub") or "")

    return signed
