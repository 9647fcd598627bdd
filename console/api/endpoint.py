"""One row of the API: what is answered at an address, and with what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

Handler = Callable[["Request"], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A row."""

    method: str
    """Of HTTP."""
    path: str
    """Below `/api/v1`."""
    about: str
    """One sentence."""
    handler: Handler
    """What answers."""
    gives: Any = None
    """Type of the body of the answer; None: it is no JSON, or has no fixed type."""
    takes: Any = None
    """Type of the body of the request; None: it has none."""
    status: int = 200
    """Of the usual answer."""
    asks: tuple[str, ...] = ()
    """Names in its query."""
