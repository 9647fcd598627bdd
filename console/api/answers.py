"""Bodies in and out, and errors as sentences that say what to do."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console.bodies import pieces
from shared.errors import BadMedia, BadRequest, DropscribeError, OverLimit, Permanent
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.ports import Ports

JSON = "application/json"
MOST_BYTES = 8 * 1024 * 1024
"""Most bytes of a body in JSON."""
GONE = 499
"""Status, by nginx's custom, of an answer whose client has gone."""

Body = TypeVar("Body")


class ApiError(Exception):
    """An answer that is an error.

    The `code` is for programs, the message for people: what is wrong, and what to do. `more` stands beside the error.
    """

    def __init__(self, status: int, code: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.more = dict(more or {})

    def response(self) -> Response:
        """As an answer."""
        return json_of({"error": {"code": self.code, "message": str(self)}} | self.more, self.status)


def json_of(value: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def bad_request(message: str) -> ApiError:
    """The answer to a request whose sender has to change it."""
    return ApiError(400, "bad_request", message)


def not_found(key: str) -> ApiError:
    """The answer for a recording that is not there."""
    return ApiError(
        404,
        "not_found",
        f"There is no recording {key[:64]}. It may have been deleted; the list shows those there are.",
    )


async def body_of(request: Request, kind: type[Body]) -> Body:
    """The body of a request in JSON.

    Raises:
        ApiError: it is too large, is no JSON, or says something else than it should.
    """
    data = bytearray()
    async for piece in pieces(request):
        data += piece
        if len(data) > MOST_BYTES:
            raise ApiError(
                413, "too_large", f"A body in JSON has at most {MOST_BYTES >> 20} MiB. Send less at one time."
            )
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(
            f"The body is not what it should be: {error}. /api/v1/openapi.json describes it."
        ) from error


def answered(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose errors are answers."""

    @wraps(handler)
    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return error.response()
        except DropscribeError as error:
            return of(error).response()
        except ClientDisconnect:
            return Response(status_code=GONE)

    return safe


def in_thread(work: Callable[[Request, Ports], Any]) -> Callable[[Request], Awaitable[Response]]:
    """A handler from a function that reads and writes: it runs in a thread, and what it returns is the answer."""

    @answered
    @wraps(work)
    async def handler(request: Request) -> Response:
        found = await to_thread.run_sync(work, request, request.app.state.ports)
        return found if isinstance(found, Response) else json_of(found)

    return handler


def of(error: DropscribeError) -> ApiError:
    """An error of a step as an answer."""
    if isinstance(error, BadMedia | BadRequest):
        code = error.code if isinstance(error, BadMedia) else "bad_request"
        return ApiError(404 if code == "missing" else 400, code, str(error))
    if isinstance(error, OverLimit):
        return ApiError(413, error.code, str(error))
    if isinstance(error, Permanent):
        return ApiError(409, type(error).__name__, str(error))
    log.warning("a request of the console failed: %s", error)
    return ApiError(503, "unavailable", f"{error} Try again in a moment.")
