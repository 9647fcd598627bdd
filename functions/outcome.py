"""A function's response to its sender: done, or redeliver."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from functions import caller, push, time_limit
from functions.push import EVENT_TYPE, FINALIZED, Push
from shared.errors import BadRequest, DropscribeError, NewerVersion, Permanent, Transient
from shared.flow import record
from shared.messages import NAMED_BY, UNREADABLE, ChunkMessage, decode
from shared.state import dead_letters, documents, failure_log
from shared.state.failure_log import ELSEWHERE
from shared.telemetry import about_message, flush, log, measure, span
from shared.topology import DEAD_LETTERS, ROUTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flask import Request

    from shared.ports import Ports, Store

    Step = Callable[[Push, Ports], object]


FLUSH = 1.0
"""Seconds that an answer may wait for the spans of its step."""


def answered(
    request: Request, connect: Callable[[], Ports], where: str | Callable[[Push], str], step: Step
) -> tuple[str, int]:
    """Do a step of the flow with what was posted; the answer acknowledges it. See `handle`.

    If the step takes longer than the sender waits, the process ends.
    """
    if refused := caller.refusal(request):
        return refused
    if request.method != "POST":
        return "Post a message.", 405
    headers = {name.lower(): value for name, value in request.headers.items()}
    with time_limit.within(
        time_limit.PUSH, f"a message of {where if isinstance(where, str) else 'a hosted engine'}"
    ):
        try:
            handle(headers, request.get_data(), connect, where, step)
        finally:
            # After the answer this process may get no time to compute.
            flush(FLUSH)
    return "OK", 200


def handle(
    headers: Mapping[str, str],
    body: bytes,
    connect: Callable[[], Ports],
    where: str | Callable[[Push], str],
    step: Step,
) -> None:
    """Do a step of the flow with what was posted. What can never succeed is kept, and counts as done.

    `connect` returns the adapters to use; it may raise, which is a failure as well. `where` is the subscription that
    feeds the function, for the notes of failures, or tells it from the message.

    Raises:
        Exception: deliver it again; mostly Transient.
    """
    try:
        posted, problem = push.read(headers, body), None
    except BadRequest as error:
        posted, problem = push.unreadable(headers, body), error
    place = where if isinstance(where, str) else where(posted)
    with about_message(posted.attributes), acknowledged(posted, connect, place):
        if problem is not None:
            raise problem
        ports = connect()
        # Not before: with the first connection of a process begins who listens.
        with span(place, attempt=posted.attempt):
            step(posted, ports)
        if place in failure_log.FUNCTIONS:
            # What becomes of a chunk at an engine is counted with its result.
            measure("steps_total", where=place, outcome="ok")


@contextmanager
def acknowledged(posted: Push, connect: Callable[[], Ports], where: str = ELSEWHERE) -> Iterator[None]:
    """Keep and acknowledge a message that can never succeed; note every other failure, and let it raise.

    A function that returns acknowledges its message. One that raises answers 500, and the message is redelivered with
    back-off until it is dead-lettered. So a deployment that is set up wrongly (a role, an index, a setting is missing)
    loses nothing: it can be fixed in the meantime. Nothing comes after the dead letters, so there a mistake of the
    program is the end as well. As in `handle`, `connect` may raise, which is a failure as well, and `where` is for the
    notes of failures.

    A recording without a plan that such a message of the router names ends with the reason: no other message would come
    for it.
    """
    try:
        yield
    except Exception as error:
        _note(posted, error, connect, where)
        hopeless = isinstance(error, Permanent)
        if not hopeless and (where != DEAD_LETTERS or isinstance(error, Transient)):
            raise
        log.error("kept a message that cannot succeed as a dead letter: %s", error, exc_info=not hopeless)
        source = "" if where in {ELSEWHERE, DEAD_LETTERS} else where
        dead_letters.keep(posted.message, connect(), str(error) or repr(error), where=source)
        if isinstance(error, Permanent) and where == ROUTER:
            _end_named(posted, error, connect())


def _end_named(posted: Push, error: Permanent, ports: Ports) -> None:
    key = posted.attributes.get("recording", "")
    # Damaged: who waits for it finds that.
    with suppress(Permanent):
        found = documents.get_recording(ports.records, key) if key else None
        # Whatever names one that has its plan did not begin it.
        if found is not None and found.state == "ACCEPTED":
            record.fail(key, error, ports)


def not_done(error: DropscribeError) -> tuple[str, int]:
    """The answer to a message that is to be redelivered, with the reason in one line, in the log as well.

    An error of ours says what happened and what to do; a traceback would only hide that. All others keep theirs.
    """
    log.warning("failed, will be redelivered: %s", error)
    return str(error), 500


def _note(posted: Push, error: Exception, connect: Callable[[], Ports], where: str) -> None:
    try:
        ports = connect()
    except DropscribeError:
        return  # without records it cannot be noted; most likely this is the error itself
    failure_log.note(
        error,
        ports,
        where=where,
        message_id=posted.message_id,
        attempt=posted.attempt,
        attributes=posted.attributes,
        data=posted.data,
    )


def uploaded_object(posted: Push, store: Store | None = None) -> dict[str, Any] | None:
    """The object resource of an upload; None if the message is about something else, such as a deletion.

    A notification that was set up without a payload (`--payload-format=none`) only names the object: the store is
    asked for the rest (https://cloud.google.com/storage/docs/pubsub-notifications#attributes).

    Raises:
        BadRequest: it is no notification.
    """
    if posted.attributes.get(EVENT_TYPE, FINALIZED) != FINALIZED:
        return None
    if not posted.data and store is not None and all(posted.attributes.get(one) for one in NAMED_BY):
        return _resource(posted.attributes, store)
    try:
        return msgspec.json.decode(posted.data, type=dict[str, Any])
    except UNREADABLE as error:
        raise BadRequest(f"not a notification of Cloud Storage: {error}") from error


def _resource(attributes: Mapping[str, str], store: Store) -> dict[str, Any] | None:
    bucket, name, generation = (attributes[one] for one in NAMED_BY)
    found = store.stat(bucket, name)
    if found is None or str(found.generation) != generation:
        # A newer one has a notification of its own.
        log.info("gs://%s/%s was deleted or replaced before its notification came", bucket, name)
        return None
    return {
        "bucket": found.bucket,
        "name": found.name,
        "generation": found.generation,
        "size": found.size,
        "contentType": found.content_type,
        "metadata": found.metadata,
    }


def engine_of(posted: Push) -> str:
    """The engine of a chunk message, for the notes of failures; `ELSEWHERE` if it cannot be read."""
    try:
        return decode(posted.data, ChunkMessage).chunk.engine
    except (BadRequest, NewerVersion):
        return ELSEWHERE
