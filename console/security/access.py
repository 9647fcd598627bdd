"""Whether a request is allowed: its Host, its token, and for a change its origin.

- Any website can send requests to any address of this machine, also by a name of its own that resolves to it (DNS
  rebinding): only requests for known names of the server are served.
- A browser states the origin of a change (Origin, Sec-Fetch-Site): only the server's own page may change something.
- The token is once in the URL that `dropscribe up` prints, then in a cookie that no script can read; programs
  send it as `Authorization: Bearer`. It is compared in constant time, and no log shows it.
"""

from __future__ import annotations

import hmac
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.security.headers import with_headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "dropscribe"
PARAMETER = "token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPEN = ("/health",)
"""Paths that need no token: they tell nothing."""
KNOWN = "dropscribe.known"
"""Key of a request's scope that says whether its sender has shown what is needed."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a request must show."""

    token: str = field(default="", repr=False)
    """That it must carry; empty: `signed` decides."""
    hosts: frozenset[str] = frozenset(LOOPBACK)
    """Names of the server, without ports; a leading dot matches all subdomains."""
    signed: Callable[[Headers], str] | None = None
    """Gives the account that a proxy vouches for in signed headers; empty: none."""
    secure: bool = False
    """Whether browsers reach it over https."""


class Guard:
    """ASGI middleware that answers only what may be answered."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or turn the token of an address into a cookie."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            await send(with_headers(message))

        connection = HTTPConnection(scope)
        answer = self._refused(connection, scope) or await self._entered(connection, scope)
        scope[KNOWN] = answer is None and scope["path"] not in OPEN
        await (answer or self._app)(scope, receive, secured)

    def _refused(self, request: HTTPConnection, scope: Scope) -> Response | None:
        # A platform that asks whether the server lives may do so by any name.
        known = scope["path"] in OPEN or _is_known(request.headers.get("host", ""), self._access.hosts)
        if not known:
            return refusal(
                421,
                "unknown_host",
                "This server is not known by that name. Open the address that it printed, or start it with "
                "DROPSCRIBE_CONSOLE_NAMES for another one.",
                scope,
            )
        if scope["method"] not in SAFE and not self._is_own(request):
            return refusal(
                403,
                "foreign_origin",
                "Only this server's own page may change something from a browser. Open the page, and do it there.",
                scope,
            )
        return None

    def _is_own(self, request: HTTPConnection) -> bool:
        """Whether a change comes from the page of this server, or from no browser."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        if origin is None:
            return True
        return bool(origin) and urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()

    async def _entered(self, request: HTTPConnection, scope: Scope) -> Response | None:
        """The answer to a request that is not signed in, or has its token in the address; None: go on."""
        if scope["path"] in OPEN:
            return None
        if self._access.signed is not None:
            # It may have to fetch the keys of the signature.
            who = await to_thread.run_sync(self._access.signed, request.headers)
            scope.setdefault("state", {})["who"] = who
            if not who:
                message = "Only requests that came through Identity-Aware Proxy are answered. Open the address that it guards."
                return refusal(401, "not_signed_in", message, scope)
            return None
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["method"] == "GET" and not scope["path"].startswith(("/api/", "/v1/")):
            tokens = [value for name, value in given if name == PARAMETER]
            if tokens and self._is_token(tokens[-1]):
                return self._with_cookie(scope, [one for one in given if one[0] != PARAMETER])
        cookie = request.cookies.get(cookie_name(request.headers.get("host", "")), "")
        if self._is_token(_bearer(request.headers)) or _is_same(cookie, cookie_value(self._access.token)):
            return None
        return refusal(
            401,
            "invalid_api_key" if scope["path"].startswith("/v1/") else "no_token",
            "The token is missing or wrong. Open the address again that `dropscribe up` or `dropscribe console` printed; "
            "programs send its token as `Authorization: Bearer TOKEN`.",
            scope,
        )

    def _is_token(self, given: str) -> bool:
        return _is_same(given, self._access.token)

    def _with_cookie(self, scope: Scope, rest: list[tuple[str, str]]) -> Response:
        # A relative address: whatever name the server was reached by.
        where = "/" + scope["path"].lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
        answer: Response = RedirectResponse(where, 303)
        if Headers(scope=scope).get("sec-fetch-site") == "cross-site":
            # Browsers follow a redirect without the cookie where another place led here, such as a file of this
            # machine; a page of this server leads on with it.
            answer = HTMLResponse(
                f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(where)}">\n'
            )
        answer.set_cookie(
            cookie_name(HTTPConnection(scope).headers.get("host", "")),
            cookie_value(self._access.token),
            httponly=True,
            samesite="strict",
            secure=self._access.secure,
            path="/",
        )
        return answer


def cookie_name(host: str) -> str:
    """The cookie of a server by its Host: browsers send the cookies of all ports of a machine to each of them."""
    port = host.rpartition(":")[2]
    return f"{COOKIE}-{port}" if port.isdecimal() else COOKIE


def cookie_value(token: str) -> str:
    """What the cookie holds: enough to be let in by this server, but not the token that programs send."""
    return hmac.digest(token.encode(), b"cookie", "sha256").hex() if token else ""


def _is_same(given: str, wanted: str) -> bool:
    """Compared in constant time; an empty one never matches."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()) and bool(given)


def refusal(status: int, code: str, message: str, scope: Scope) -> Response:
    """An error in the form of the API that was asked."""
    if scope["path"].startswith("/v1/"):
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    else:
        error = {"code": code, "message": message}
    if not scope["path"].startswith(("/api/", "/v1/")):
        return Response(f"{message}\n", status, media_type="text/plain; charset=utf-8")
    return Response(msgspec.json.encode({"error": error}), status, media_type="application/json")


def _is_known(host: str, known: frozenset[str]) -> bool:
    name = host.lower()
    name = f"{name.partition(']')[0]}]" if name.startswith("[") else name.partition(":")[0]
    return name in known or any(one.startswith(".") and name.endswith(one) for one in known)


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
