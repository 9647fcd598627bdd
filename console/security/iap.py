"""The header that Identity-Aware Proxy signs: who is asking, on Cloud Run.

https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import ConfigurationError
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers

HEADER = "x-goog-iap-jwt-assertion"
KEYS = "https://www.gstatic.com/iap/verify/public_key"
ISSUER = "https://cloud.google.com/iap"


def signed_by_iap(audience: str) -> Callable[[Headers], str]:
    """What gives the account in the signed header of a request; empty if there is none, or it is not genuine.

    Args:
        audience: of the signature, `/projects/NUMBER/locations/REGION/services/NAME`.

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
    fetch = requests.Request()

    def signed(headers: Headers) -> str:
        try:
            claims = id_token.verify_token(headers.get(HEADER, ""), fetch, audience=audience, certs_url=KEYS)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it does not vouch for anybody
            log.warning("a request without a valid signature was refused: %s", type(error).__name__)
            return ""
        if claims.get("iss") != ISSUER:
            return ""
        return str(claims.get("email") or claims.get("sub") or "")

    return signed
