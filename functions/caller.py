"""Who may call a function.

On Cloud Run a caller needs the role to invoke a function. Anywhere else every account of the machine can reach its port,
and so can every website open in a browser there. So a call

- must carry the token that the process was started with,
- must not come from a web page, which says so in `Origin`,
- must name this machine as `Host`: a page whose name resolves to 127.0.0.1 names itself.
"""

from __future__ import annotations

import hmac
import os
from functools import cache
from typing import TYPE_CHECKING, Protocol

from shared.settings import variable
from shared.telemetry import log

if TYPE_CHECKING:
    from flask import Request

CLOUD_RUN = "K_SERVICE"
"""Cloud Run sets this variable for services (https://cloud.google.com/run/docs/container-contract#env-vars)."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine that a call may have."""

MOST_BYTES = 16 * 1024 * 1024
"""Size of a body: the largest message of Pub/Sub, 10 MB, is 13.4 MB in base64 (https://cloud.google.com/pubsub/quotas)."""


class Headers(Protocol):
    """Headers of a request."""

    def get(self, name: str, /) -> str | None:
        """The value of one, by its name in lower case."""


def refusal(request: Request) -> tuple[str, int] | None:
    """The answer to a caller who may not call; None for one who may. Reads nothing of the body.

    Sets `max_content_length` of the request to `MOST_BYTES`, so that reading more of it answers 413.
    """
    request.max_content_length = MOST_BYTES
    return refusal_by(request.headers)


def refusal_by(headers: Headers) -> tuple[str, int] | None:
    """The same by the headers alone, for a server that answers before it takes a byte of the body."""
    answer = None if CLOUD_RUN in os.environ else _outside_cloud_run(headers)
    if answer is not None:
        _told(*answer)
    return answer


def _outside_cloud_run(headers: Headers) -> tuple[str, int] | None:
    name = variable("function_token")
    token = os.environ.get(name, "")
    if not token:
        said = f"This function answers no requests: it has no token. `dropscribe up` gives it one; elsewhere set {name}"
        return said + " to a long random text, and send that in the header `Authorization: Bearer …`.", 403
    if (answer := web_page(headers)) is not None:
        return answer
    given = headers.get("authorization") or ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode()):
        return f"Send the token of {name} in the header `Authorization: Bearer …`.", 401
    return None


def web_page(headers: Headers) -> tuple[str, int] | None:
    """The answer to a web page, which sends `Origin` or names itself as `Host`; None for everybody else."""
    if headers.get("origin") is not None:
        return "No web page is answered here.", 403
    if _name_of(headers.get("host") or "") not in LOOPBACK:
        return "This answers to the name 127.0.0.1 only.", 403
    return None


def _name_of(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


@cache
def _told(why: str, status: int) -> None:
    """Log a refusal once: a caller that tries again and again must not fill the disk."""
    log.warning("refused a call with %d: %s This is logged once.", status, why)
