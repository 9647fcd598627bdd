"""Posts to the address of a webhook with httpcore: one connection, one request, one status.

Addresses are checked, and the call is bounded, as `connection` says. No redirect is followed and no proxy is used.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore

from shared.adapters.web.connection import CONNECT_SECONDS, CheckedBackend, Limits, NotPublicError
from shared.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 20.0
"""For a call, from the connection to the headers of the answer."""
MOST_BYTES = 64 * 1024
"""Most bytes of an answer that are read. Its body says nothing: only what came with the headers is read."""


class Sender:
    """Posts to an address. Safe to use from several threads."""

    def __init__(self, *, public_only: bool, seconds: float = SECONDS) -> None:
        self._public_only = public_only
        self._seconds = seconds

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, /) -> int:
        """Post a body; returns the status of the answer.

        Raises:
            Transient: there was no answer, or the address may not be called.
        """
        host = urlsplit(url).hostname or ""
        limits = Limits(
            deadline=time.monotonic() + self._seconds, most_bytes=MOST_BYTES, public_only=self._public_only
        )
        waits = dict.fromkeys(("read", "write", "pool"), self._seconds) | {"connect": CONNECT_SECONDS}
        try:
            with (
                httpcore.ConnectionPool(network_backend=CheckedBackend(limits), max_connections=1) as pool,
                pool.stream(
                    "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": waits}
                ) as answer,
            ):
                return int(answer.status)
        except NotPublicError as error:
            raise Transient(
                f"{error}, so it is not called: webhooks of a project go to the internet only."
            ) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            # Its text may quote the address, which may hold a token.
            raise Transient(f"{host} did not answer ({type(error).__name__}).") from error
