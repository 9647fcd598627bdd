"""Errors in OpenAI's form: a status, and `{"error": {"message", "type", "param", "code"}}`.

OpenAI's clients repeat a request automatically after 408, 409, 429 and every 5xx, unless the header `x-should-retry`
is false. It is false wherever only a person can change the outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.errors import BadMedia, BadRequest, DropscribeError, OverLimit, Permanent
from shared.in_words import human_size
from shared.state.answers import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID = "invalid_request_error"
"""Type of errors that the caller can fix."""
SERVER = "server_error"
"""Type of errors that only time or the deployment's operator can fix."""

STATUS = {
    "too-large": 413,
    "quota": 429,
    "cancelled": 400,
    "deleted": 400,
}
"""Status of a recording without a transcript, by the code of its failure; see `_status` for all others."""
OF_MEDIA = frozenset({
    *("empty", "not-media", "no-audio", "encrypted", "incomplete", "undecodable", "limit", "no-track", "missing"),
    *("breach", "too-long", "too-many-chunks", BadRequest.__name__),
})  # fmt: skip
"""Codes of failures for which the file or its options are the reason."""


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        message: what is wrong, then what to do.
        type: OpenAI's kind of error.
        param: the field of the request that is wrong; None if no single field is.
        code: short and stable, for programs.
        headers: to send with it.
    """

    def __init__(
        self,
        *,
        status: int,
        message: str,
        type: str = INVALID,  # noqa: A002 - OpenAI's name
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON of the answer."""
        said = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": said})


NO_RETRY = {"x-should-retry": "false"}
"""Tells OpenAI's clients not to repeat the request automatically."""


def invalid(message: str, param: str | None, code: str = "invalid_value") -> ApiError:
    """A request whose sender has to change it."""
    return ApiError(status=400, message=message, param=param, code=code)


def too_large(size: int | None, limit: int, upload: str) -> ApiError:
    """A body that is larger than what this server takes.

    `size` (None if unknown) and `limit` are bytes; `upload` says, as a sentence, how a larger file gets in.
    """
    has = "The request is larger" if size is None else f"The request has {human_size(size)}, more"
    message = f"{has} than the {human_size(limit)} that this server takes. {upload}"
    return ApiError(status=413, message=message, param="file", code="content_too_large", headers=NO_RETRY)


def of(error: DropscribeError) -> ApiError:
    """An error of Dropscribe that came while a request was taken in."""
    if isinstance(error, BadMedia | BadRequest):
        return ApiError(status=400, message=str(error), param="file", code=_snake(code_of(error)))
    if isinstance(error, OverLimit):
        return ended_without(error.code, str(error))
    if isinstance(error, Permanent):
        return ApiError(
            status=500, message=str(error), type=SERVER, code=_snake(code_of(error)), headers=NO_RETRY
        )
    return ApiError(status=503, message=str(error), type=SERVER, code="unavailable")


def nothing_runs() -> ApiError:
    """The error for a recording that waits until a person starts a process."""
    message = (
        "The file is stored, but no worker is running. Have the operator start `dropscribe up`, then send "
        "the same request again; you are not charged twice."
    )
    return ApiError(
        status=503, message=message, type=SERVER, code="no_worker", headers={**NO_RETRY, "retry-after": "60"}
    )


def not_yet(seconds: float) -> ApiError:
    """The error for a recording that takes longer than a request may wait."""
    message = (
        f"There is no transcript yet after {seconds / 60:.0f} minutes. The work continues: send the same request again to "
        "wait for it; you are not charged twice. The console's page shows what it is waiting for."
    )
    return ApiError(status=503, message=message, type=SERVER, code="not_yet", headers=NO_RETRY)


def held(why: str) -> ApiError:
    """The error for a recording that waits until a budget has room for it."""
    message = (
        f"The recording is stored and waits: {why} Send the same request later; you are not charged twice."
    )
    return ApiError(
        status=429, message=message, type="insufficient_quota", code="insufficient_quota", headers=NO_RETRY
    )


def ended_without(code: str, reason: str) -> ApiError:
    """The error for a recording that has no transcript, by the code of its failure."""
    status = STATUS.get(code) or (400 if code in OF_MEDIA else 500)
    if status == 429:
        return ApiError(status=429, message=reason, type="requests", code="rate_limit_exceeded")
    return ApiError(
        status=status,
        message=reason,
        type=SERVER if status >= 500 else INVALID,
        param="file" if status in {400, 413} else None,
        code=_snake(code),
        headers=NO_RETRY,
    )


def _snake(code: str) -> str:
    """A code as OpenAI writes codes: `not-media` as `not_media`, `NoEngineLeft` as `no_engine_left`."""
    letters = "".join(f"_{one.lower()}" if one.isupper() else one for one in code)
    return letters.replace("-", "_").strip("_")
