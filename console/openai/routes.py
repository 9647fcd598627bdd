"""The routes under `/v1`. `console/security/` has checked access before.

A client that disconnects cancels nothing: its file is stored and its transcript requested in a thread, which continues.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from anyio import to_thread
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from console.bodies import hung_up
from console.openai import documents, errors, form, intake, models, receiving, stream
from console.openai.errors import ApiError
from console.openai.progress import Look, Progress
from console.openai.waiting import Poll
from shared.errors import DropscribeError
from shared.flow.reading import output_files
from shared.formats import files_of
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from console.openai.form import Wanted
    from console.openai.intake import Ask
    from shared.model import Recording
    from shared.ports import Ports

JSON = "application/json"
TYPES = {
    name: one.content_type
    for name, format_name in (("text", "txt"), ("srt", "srt"), ("vtt", "vtt"))
    for one in files_of([format_name])
}
"""Media types of the formats that are no JSON."""
LONGEST = 3480.0
"""Seconds that a request waits for its transcript: Cloud Run ends it after an hour, without a word."""
PING = 15
"""Seconds between two comments in a stream that has nothing to say."""
GONE = 499
"""Status, by nginx's custom, of an answer whose client has gone."""


def routes() -> list[Mount]:
    """The routes, for an application whose `state` has the `ports` of the deployment, and `results`."""
    return [
        Mount(
            "/v1",
            routes=[
                Route("/audio/transcriptions", _answered(transcriptions), methods=["POST"]),
                Route("/audio/translations", _answered(translations), methods=["POST"]),
                Route("/models", _answered(list_models), methods=["GET"]),
                Route("/models/{name:path}", _answered(one_model), methods=["GET"]),
                Route(
                    "/{rest:path}", _answered(nothing_here), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
                ),
            ],
        )
    ]


def _answered(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose errors are answers in OpenAI's form."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return failed(error)
        except DropscribeError as error:
            log.warning("a request to /v1 failed: %s", error)
            return failed(errors.of(error))
        except ClientDisconnect:
            return Response(status_code=GONE)

    return answered


def failed(error: ApiError) -> Response:
    """An error as an answer."""
    return Response(error.body, error.status, error.headers, JSON)


async def transcriptions(request: Request) -> Response:
    """`POST /v1/audio/transcriptions`: a file in, its transcript out, when it is there."""
    ports: Ports = request.app.state.ports
    files: list[BinaryIO] = []
    try:
        received = await receiving.receive(request, ports, files)
        wanted = form.parse(received.fields, ports.settings, ports.engines)
        ask = await to_thread.run_sync(intake.take, received, files[0], wanted.options, ports)
    finally:
        # Not in a thread: a client that hangs up at that await would leave the file open.
        for file in files:
            file.close()
    headers = {"x-request-id": ask.recording}
    poll = _poll(request, ports)
    if wanted.stream:
        events = _events(ask, wanted, poll, ports)
        return EventSourceResponse(events, headers=headers, ping=PING, sep="\n")
    return await _unless_gone(request, _complete(ask, wanted, poll, ports, headers))


async def translations(request: Request) -> Response:
    """`POST /v1/audio/translations`: there are none."""
    await receiving.drain(request)
    raise errors.invalid(
        "This server transcribes, and does not translate. Send the file to /v1/audio/transcriptions, and translate the "
        "text.",
        None,
        "unsupported_endpoint",
    )


async def list_models(request: Request) -> Response:
    """`GET /v1/models`."""
    ports: Ports = request.app.state.ports
    data = [_model(name) for name in models.names(ports.settings, ports.engines)]
    return _json({"object": "list", "data": data})


async def one_model(request: Request) -> Response:
    """`GET /v1/models/NAME`."""
    ports: Ports = request.app.state.ports
    name = request.path_params["name"]
    models.choose(name, ports.settings, ports.engines)
    return _json(_model(name))


async def nothing_here(request: Request) -> Response:
    """Everything else of OpenAI's API."""
    await receiving.drain(request)
    raise ApiError(
        status=HTTPStatus.NOT_FOUND,
        message=f"Unknown request URL: {request.method} {request.url.path}. This server has "
        "POST /v1/audio/transcriptions and GET /v1/models.",
        code="unknown_url",
    )


def _model(name: str) -> dict[str, Any]:
    """A model as OpenAI describes one; when it was made is not known."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "dropscribe"}


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON)


def _poll(request: Request, ports: Ports) -> Poll[Ask, Look]:
    """The poll of this application."""
    state = request.app.state
    if not hasattr(state, "openai_poll"):
        state.openai_poll = Poll(Progress(ports, state.results).look)
    poll: Poll[Ask, Look] = state.openai_poll
    return poll


async def _unless_gone(request: Request, answer: Awaitable[Response]) -> Response:
    """An answer, unless its reader hangs up before."""
    working = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(hung_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else Response(status_code=GONE)
    finally:
        working.cancel()
        gone.cancel()


async def _complete(
    ask: Ask, wanted: Wanted, poll: Poll[Ask, Look], ports: Ports, headers: Mapping[str, str]
) -> Response:
    """The whole transcript, when it is there."""
    try:
        async with aclosing(poll.changes(ask, LONGEST)) as changes:
            async for now in changes:
                if (recording := _ended(now)) is not None:
                    body = await to_thread.run_sync(_body, recording, wanted, ports)
                    return Response(body, headers=headers, media_type=TYPES.get(wanted.format, JSON))
    except TimeoutError as error:
        raise errors.not_yet(LONGEST) from error
    raise AssertionError("changes continue until the caller leaves them")


async def _taken(ask: Ask, poll: Poll[Ask, Look]) -> None:
    """Until there is a recording.

    Raises:
        ApiError: there will be none.
        TimeoutError: there is none yet.
    """
    async with aclosing(poll.changes(ask, LONGEST)) as changes:
        async for now in changes:
            _ended(now)
            if now.recording is not None:
                return


def _ended(now: Look) -> Recording | None:
    """The recording if it has a transcript; None while it may get one.

    Raises:
        ApiError: it gets none, or not before a person or tomorrow's budget lets it go on, or starts something.
    """
    if now.refusal is not None:
        raise errors.ended_without(now.refusal.code, now.refusal.reason)
    if now.stalled:
        raise errors.nothing_runs()
    recording = now.recording
    if recording is None:
        return None
    if recording.held and not recording.ended:
        raise errors.held(recording.held)
    if not recording.ended:
        return None
    if recording.state != "DONE":
        code = "deleted" if recording.state == "DELETED" else recording.code
        raise errors.ended_without(code, recording.reason)
    return recording


def _body(recording: Recording, wanted: Wanted, ports: Ports) -> bytes:
    """The body of an answer: an output file as it is, or made of `transcript.json`."""
    if wanted.format in {"srt", "vtt"}:
        return output_files.content(recording, f"transcript.{wanted.format}", ports)
    return documents.render(_transcript(recording, ports), wanted)


def _transcript(recording: Recording, ports: Ports) -> documents.Transcript:
    return documents.read(output_files.content(recording, "transcript.json", ports))


async def _events(
    ask: Ask, wanted: Wanted, poll: Poll[Ask, Look], ports: Ports
) -> AsyncGenerator[ServerSentEvent, None]:
    """The transcript as events; an error as the last one."""
    deltas = stream.Deltas()
    clock = asyncio.get_running_loop().time
    until = clock() + LONGEST
    try:
        await _taken(ask, poll)
        # Without the request, all who wait for one recording are one look at its chunks.
        left = max(0.0, until - clock())
        async with aclosing(poll.changes(replace(ask, request="", chunks=True), left)) as changes:
            async for now in changes:
                if (recording := _ended(now)) is not None:
                    transcript = await to_thread.run_sync(_transcript, recording, ports)
                    for event in stream.ending(transcript, wanted, deltas):
                        yield _event(event)
                    return
                if new := deltas.next(now.text):
                    yield _event(stream.delta(new))
    except ApiError as error:
        yield ServerSentEvent(data=error.body.decode(), event="error", sep="\n")
    except TimeoutError:
        yield ServerSentEvent(data=errors.not_yet(LONGEST).body.decode(), event="error", sep="\n")
    except DropscribeError as error:
        yield ServerSentEvent(data=errors.of(error).body.decode(), event="error", sep="\n")


def _event(event: Mapping[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(data=msgspec.json.encode(event).decode(), sep="\n")
