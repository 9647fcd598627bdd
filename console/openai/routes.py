"""What is answered below `/v1`. Who may ask is decided before (`console/security/`).

A request that hangs up cancels nothing: its file is stored and asked for in a thread, and goes on from there.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from anyio import to_thread
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Mount, Route

from console.bodies import hung_up, pieces, room
from console.openai import documents, errors, form, intake, models, stream
from console.openai.errors import ApiError
from console.openai.multipart import MOST_BYTES, Body
from console.openai.progress import Progress
from console.openai.waiting import Poll
from shared.errors import DropscribeError
from shared.flow.reading import output_files
from shared.in_words import human_size
from shared.settings import variable
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from starlette.requests import Request

    from console.openai.form import Wanted
    from console.openai.intake import Ask
    from console.openai.multipart import Received
    from console.openai.progress import Look
    from shared.model import Recording
    from shared.ports import Ports

JSON = "application/json"
TYPES = {
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}
"""Media types of the formats that are no JSON."""
CLOUD_RUN_BYTES = 32 * 1024 * 1024
"""Largest body of a request that Cloud Run lets in (cloud.google.com/run/quotas)."""
PIECE = 256 * 1024
"""Bytes of a body that are written at one time."""
DRAINED = 64 * 1024 * 1024
"""Bytes of a refused body that are read and dropped, so that its sender sees the answer instead of a broken connection."""
LONGEST = 3480.0
"""Seconds that a request waits for its transcript: Cloud Run ends it after an hour, without a word."""
PING = 15
"""Seconds between two comments in a stream that has nothing to say."""
GONE = 499
"""Status, by nginx's custom, of an answer that nobody waits for."""


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
        received = await _receive(request, ports, files)
        wanted = form.parse(received.fields, ports.settings, ports.engines)
        ask = await to_thread.run_sync(intake.take, received, files[0], wanted.options, ports)
    finally:
        # Not in a thread: whoever hangs up at that await would leave the file open.
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
    await _drain(request)
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
    await _drain(request)
    raise ApiError(
        status=HTTPStatus.NOT_FOUND,
        message=f"Unknown request URL: {request.method} {request.url.path}. This server has "
        "POST /v1/audio/transcriptions and GET /v1/models.",
        code="unknown_url",
    )


def _model(name: str) -> dict[str, Any]:
    """A model as OpenAI describes one; when it was made is not known."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "dropscribe"}


def _json(value: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), headers=headers, media_type=JSON)


async def _receive(request: Request, ports: Ports, files: list[BinaryIO]) -> Received:
    """The body of a request, with its file on disk.

    Args:
        request: whose body was not read yet.
        ports: the adapters to use.
        files: gets the file, for the caller to close.
    """
    limit = _limit(ports)
    given = request.headers.get("content-length", "")
    length = int(given) if given.isdecimal() else None
    if limit is not None and length is not None and length > limit.body:
        await _drain(request)
        raise errors.too_large(length, limit.file, limit.instead)

    def open_file() -> BinaryIO:
        files.append(ports.store.stage(ports.settings.audio_bucket))
        if length is not None and length > (free := room(files[-1])):
            raise _no_space(f"it has {human_size(length)}, and its disk has {human_size(free)} for it")
        return files[-1]

    body = Body(request.headers.get("content-type", ""), open_file)
    size = 0
    try:
        async for piece in pieces(request, PIECE):
            size += len(piece)
            if limit is not None and size > limit.body:
                raise errors.too_large(None, limit.file, limit.instead)
            await to_thread.run_sync(body.write, piece)
    except ApiError:
        await _drain(request)
        raise
    except OSError as error:
        raise _disk(error) from error
    return body.finish()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limit:
    """What a request may have."""

    body: int
    """Most bytes of its body."""
    file: int
    """Most bytes of its file, as it is told."""
    instead: str
    """What to do with a larger one, as a sentence."""


def _limit(ports: Ports) -> _Limit | None:
    """The limit of a request; None: there is none."""
    most, limits = ports.settings.max_file_gb, []
    if most is not None:
        file = round(most * 1e9)
        raised = f"{variable('max_file_gb')} raised, which is {most:g}"
        limits.append(
            _Limit(body=file + 2 * MOST_BYTES, file=file, instead=f"Split or compress it, or have {raised}.")
        )
    if os.environ.get("K_SERVICE"):
        bucket = ports.settings.audio_bucket
        instead = (
            f"Upload it with `gcloud storage cp FILE gs://{bucket}/`, or in parts as POST /api/v1/uploads says; its "
            "transcript is then in the transcripts bucket and on the console's page."
        )
        limits.append(_Limit(body=CLOUD_RUN_BYTES, file=CLOUD_RUN_BYTES, instead=instead))
    return min(limits, key=lambda one: one.body, default=None)


def _disk(error: OSError) -> ApiError:
    log.error("an upload cannot be written: %s", error)
    return _no_space(str(error.strerror))


def _no_space(why: str) -> ApiError:
    return ApiError(
        status=HTTPStatus.INSUFFICIENT_STORAGE,
        message=f"The server cannot store the file: {why}. Have its operator make room, then send it again.",
        type=errors.SERVER,
        code="insufficient_storage",
        headers=errors.NO_RETRY,
    )


async def _drain(request: Request) -> None:
    """Read a refused body up to a limit, and drop it."""
    dropped = 0
    try:
        async for piece in request.stream():
            dropped += len(piece)
            if dropped > DRAINED:
                return
    except (ClientDisconnect, RuntimeError):
        return


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
    raise AssertionError("changes go on until somebody leaves them")


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
        raise errors.of_answer(now.refusal)
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
