"""Ask a deployment for a transcript, and wait for the answer: what `dropscribe.Client` and `dropscribe submit` do.

    ports = shared.connect.connect()
    request_id = submit("gs://calls/monday.mp3", ports=ports, metadata={"order": "17"})
    answer = wait(request_id, ports=ports)
    print(answer.state, answer.outputs, answer.usd)

`wait` polls the records, so it needs no subscription; a service that subscribes to `transcripts-ready` does
not need it. Services in other languages publish the same JSON: `docs/requests.md`.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, TypeVar

from shared.errors import BadRequest, TimedOut
from shared.messages import TRANSCRIBE_REQUESTS, TranscribeRequest, request_from_json, request_to_json
from shared.state import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.messages import TranscriptReady
    from shared.model import Options
    from shared.ports import Ports

Found = TypeVar("Found")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds between two polls: the first pause, and the longest. A poll is one document read."""


def submit(
    uri: str,
    *,
    ports: Ports,
    options: Options | None = None,
    request_id: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Ask for the transcript of one object. Safe to repeat with the same `request_id`.

    Args:
        uri: `gs://bucket/name`, not percent-encoded; on one machine `file:///path` as well.
        ports: the deployment.
        options: None: those of the upload, from its metadata when it was first seen, else the defaults.
        request_id: up to 256 characters, a new one for each request; None generates one.
        metadata: returned with the answer.

    Returns:
        The request_id; the answer in `transcripts-ready` has the same.

    Raises:
        BadRequest: the request is malformed, or its request_id was used for another.
        Transient: the request may not have been sent; repeat it with the same request_id.
    """
    request = TranscribeRequest(
        uri=uri,
        request_id=str(uuid.uuid4()) if request_id is None else request_id,
        options=options,
        metadata=dict(metadata or {}),
    )
    data = request_to_json(request)
    # A request that would be refused later is refused here, where the caller can still fix it.
    request = request_from_json(data)
    asked = answers.find(request.request_id, ports.records)
    if asked is not None and asked.request != request:
        raise BadRequest(
            f"request_id {request.request_id} was used before, with another uri, other options or other metadata. "
            "Choose another."
        )
    ports.queue.publish(TRANSCRIBE_REQUESTS, data, {"request_id": request.request_id})
    return request.request_id


def wait(
    request_id: str,
    *,
    ports: Ports,
    timeout: float | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> TranscriptReady:
    """Wait until a request is answered.

    Args:
        request_id: from `submit`.
        ports: the deployment.
        timeout: seconds; None waits for ever.
        sleep: called between two polls, with seconds.

    Raises:
        TimedOut: the timeout is over, which does not affect the request.
    """
    asked: answers.Asked | None = None

    def poll() -> TranscriptReady | None:
        nonlocal asked
        asked = answers.find(request_id, ports.records)
        return None if asked is None else asked.answer

    def where() -> str:
        return "it has not been received yet" if asked is None else "it is in progress"

    return until(
        poll, what=f"Request {request_id} was not answered", where=where, timeout=timeout, sleep=sleep
    )


def until(
    poll: Callable[[], Found | None],
    *,
    what: str,
    where: Callable[[], str],
    timeout: float | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Found:
    """Poll until something is there, with growing pauses.

    Args:
        poll: gives it, or None while it is not there.
        what: start of the error's sentence, as in "Request X was not answered".
        where: gives the end of that sentence, as in "it is in progress".
        timeout: seconds; None waits for ever.
        sleep: called between two polls, with seconds.

    Raises:
        TimedOut: the timeout is over.
    """
    waited, pause = 0.0, FIRST_PAUSE
    while (found := poll()) is None:
        if timeout is not None and waited >= timeout:
            raise TimedOut(f"{what} within {timeout:g} s: {where()}.")
        pause = pause if timeout is None else min(pause, timeout - waited)
        sleep(pause)
        waited += pause
        pause = min(LONGEST_PAUSE, pause * 1.5)
    return found
