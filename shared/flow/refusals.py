"""Beside steps 1 to 4 and 6: the limits of a deployment. Pure.

What is beyond one is refused before it costs anything, with the setting to change. `dropscribe retry` continues a
recording when its limit was raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import OverLimit
from shared.in_words import human_duration, human_size
from shared.settings import Settings, variable

if TYPE_CHECKING:
    from shared.model import StoredObject

OPERATOR = "operator-"
"""Beginning of the ids of requests that an operator sends (`dropscribe retry` and `backfill`)."""


def check_size(source: StoredObject, settings: Settings) -> None:
    """Check the size of a file.

    Raises:
        OverLimit: it is too large.
    """
    if settings.max_file_gb is not None and source.size > settings.max_file_gb * 1e9:
        raise OverLimit(
            "too-large",
            f"The file has {human_size(source.size)}; this deployment takes up to "
            f"{human_size(round(settings.max_file_gb * 1e9))} ({variable('max_file_gb')}). Split or compress it, or have "
            "the limit raised.",
        )


def check_seconds(seconds: float | None, settings: Settings) -> None:
    """Check the length of a recording, seconds; one of unknown length passes until its length is known.

    Raises:
        OverLimit: it is too long.
    """
    if settings.max_hours is not None and seconds is not None and seconds > settings.max_hours * 3600:
        raise OverLimit(
            "too-long",
            f"The recording has {human_duration(seconds)} or more; this deployment takes up to "
            f"{human_duration(settings.max_hours * 3600)} ({variable('max_hours')}). Split it, or ask the operator to raise the limit.",
        )


def check_chunks(count: int, settings: Settings) -> None:
    """Check the number of chunks of a plan.

    Raises:
        OverLimit: there are too many.
    """
    if count > settings.max_recording_chunks:
        raise OverLimit(
            "too-many-chunks",
            f"The recording needs {count} chunks or more; this deployment allows {settings.max_recording_chunks} "
            f"({variable('max_recording_chunks')}). Split it, or ask the operator to raise the limit or "
            f"{variable('chunk_minutes')}.",
        )


def check_request(data: bytes, settings: Settings) -> None:
    """Check the size of a request's message.

    Raises:
        OverLimit: it is too large.
    """
    if len(data) > settings.max_request_kb * 1000:
        raise OverLimit(
            "too-large",
            f"The request has {human_size(len(data))}; this deployment takes up to {settings.max_request_kb:g} kB "
            f"({variable('max_request_kb')}). Send a shorter one with a new request_id.",
        )


def check_quota(label: str, count: int, settings: Settings) -> None:
    """Check how many requests with a label (empty: without one) are open, beside the new one.

    Raises:
        OverLimit: there are too many.
    """
    if count >= settings.max_open_requests:
        whose = f"with the label {label}" if label else "without a label"
        raise OverLimit(
            "quota",
            f"{count} requests {whose} are open, and this deployment allows {settings.max_open_requests} "
            f"({variable('max_open_requests')}). Wait for answers, then send it again with a new request_id.",
        )


def is_of_operator(request_id: str) -> bool:
    """Whether an operator sent a request."""
    return request_id.startswith(OPERATOR)
