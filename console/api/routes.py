"""The routes under `/api/v1`, one row each; `openapi.py` makes the description from them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from anyio import to_thread
from starlette.responses import Response
from starlette.routing import Mount, Route

from console.api import (
    about,
    audio,
    changes,
    costs,
    events,
    openapi,
    recordings,
    requests,
    revisions,
    search,
    trouble,
    types,
    uploads,
    words,
)
from console.api.answers import ApiError, answered, body_of, in_thread, json_of
from console.api.openapi import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request


def without_body(
    method: str, path: str, about: str, work: Callable[..., Any], gives: Any, asks: tuple[str, ...] = ()
) -> Endpoint:
    """A row without a body in its request."""
    return Endpoint(method=method, path=path, about=about, handler=in_thread(work), gives=gives, asks=asks)


def with_body(
    path: str, about: str, work: Callable[..., Any], takes: Any, gives: Any, status: int = 200
) -> Endpoint:
    """A row that takes a body in JSON."""

    @answered
    async def handler(request: Request) -> Response:
        body = await body_of(request, takes)
        found = await to_thread.run_sync(partial(work, body, request, request.app.state.ports))
        return found if isinstance(found, Response) else json_of(found, status)

    return Endpoint(
        method="POST", path=path, about=about, handler=handler, gives=gives, takes=takes, status=status
    )


ONE = "/recordings/{id}"
ENDPOINTS = (
    without_body("GET", "/about", "What the deployment is and can do.", about.about, types.About),
    without_body(
        "GET", "/recordings", "Recordings, the newest first.", recordings.listed, types.RecordingPage,
        ("state", "label", "text", "trouble", "held", "limit", "cursor"),
    ),
    with_body("/recordings", "Ask for the transcript of what is there already.", requests.submit, types.RequestBody, types.RecordingItem, 202),
    without_body("GET", ONE, "One recording, with why its engine was chosen and what each attempt cost.", recordings.detail, types.Detail),
    without_body("DELETE", ONE, "Delete all that is stored of a recording.", changes.delete, types.Deleted, ("audio",)),
    without_body("GET", f"{ONE}/words", "Its words, or those that are there.", words.words, types.Words, ("revision",)),
    without_body("GET", f"{ONE}/peaks", "Its waveform.", words.waveform, types.Peaks),
    Endpoint(method="GET", path=f"{ONE}/audio", about="Its sound, whole or a range; with rendition=1 as browsers can play it.", handler=audio.audio, asks=("rendition",)),
    without_body("GET", f"{ONE}/outputs/{{format}}", "An output file.", words.output, None, ("revision",)),
    without_body("GET", f"{ONE}/revisions", "Its corrections.", revisions.listed, list[types.RevisionRow]),
    with_body(f"{ONE}/revisions", "Correct words or names of speakers.", revisions.create, types.RevisionBody, types.RevisionNumber, 201),
    without_body("POST", f"{ONE}/cancel", "Cancel it. Chunks already with an engine may still be charged.", changes.cancel, types.RecordingItem),
    without_body("POST", f"{ONE}/retry", "Continue one that failed or was cancelled.", changes.retry_one, types.RecordingItem),
    with_body("/retries", "Continue several; first, with dry_run, say how many and for how much.", changes.retries, types.RetriesBody, types.Retries),
    with_body("/uploads", "Begin an upload.", uploads.place, types.UploadBody, types.Upload),
    Endpoint(method="PUT", path="/uploads/{id}", about="The bytes of an upload; 308 says how many are there.", handler=uploads.receive, status=201),
    Endpoint(method="DELETE", path="/uploads/{id}", about="Give up an upload that has not ended.", handler=uploads.stop, status=204),
    with_body("/quotes", "Who would transcribe a file, and for how much.", requests.quote, types.QuoteBody, types.Quote),
    without_body("GET", "/search", "Words of all transcripts.", search.search, types.Hits, ("q", "limit", "cursor")),
    without_body("GET", "/costs", "As `dropscribe cost --json`.", costs.costs, dict[str, Any], ("since", "until", "by")),
    without_body("GET", "/costs.csv", "As `dropscribe cost --csv`.", costs.as_csv, None, ("since", "until", "by")),
    without_body("GET", "/trouble", "Failures, dead letters and unavailable workers.", trouble.trouble, types.Trouble),
    without_body("POST", "/dead-letters/{id}/replay", "Publish a dead letter again.", trouble.replay_one, types.DeadLetterOutcome),
    without_body("POST", "/dead-letters/{id}/discard", "Delete a dead letter.", trouble.discard, types.DeadLetterOutcome),
    Endpoint(method="GET", path="/events", about="What changes, as server-sent events.", handler=events.events, asks=("recording",)),
)  # fmt: skip
"""All rows, in the order of docs/api.md."""


def mounted() -> Mount:
    """The routes, for an application whose `state` has ports, feed, results and uploads."""
    description = msgspec.json.encode(openapi.described(ENDPOINTS))

    async def describe(_: Request) -> Response:
        return Response(description, media_type="application/json")

    @answered
    async def nothing(request: Request) -> Response:
        raise ApiError(
            404,
            "not_found",
            f"There is no {request.method} {request.url.path[:100]}. /api/v1/openapi.json lists what there is.",
        )

    found = [Route(one.path, one.handler, methods=[one.method]) for one in ENDPOINTS]
    rest = Route("/{rest:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return Mount("/api/v1", routes=[*found, Route("/openapi.json", describe, methods=["GET"]), rest])
