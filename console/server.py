"""The application: the page, the API under `/api/v1`, OpenAI's under `/v1`, with access control."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from console import page_files
from console.api import about, routes
from console.api.answers import in_thread
from console.api.feed import Feed
from console.api.uploads import Places
from console.openai import routes as openai_routes
from console.renditions import Renditions
from console.results import Results
from console.security.access import Access, Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from shared.ports import Ports

SMALLEST = 1024
"""Bytes of an answer that is compressed."""
WHOLE = ("/audio", "/events")
"""Ends of paths whose answers are never compressed: ranges count bytes, and events come one by one."""


def application(ports: Ports, access: Access) -> ASGIApp:
    """The console of a deployment."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        app.state.uploads.close()
        app.state.renditions.close()

    app = Starlette(
        routes=[
            Route("/health", in_thread(about.health), methods=["GET"]),
            routes.mounted(),
            *openai_routes.routes(),
            *page_files.routes(),
        ],
        lifespan=lifespan,
    )
    app.state.ports = ports
    app.state.feed = Feed(ports)
    app.state.results = Results()
    app.state.renditions = Renditions()
    app.state.uploads = Places()
    return Guard(Compressed(app), access)


class Compressed:
    """ASGI middleware that compresses what may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._as_it_is = app
        self._compressed = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        whole = scope["type"] != "http" or scope["path"].endswith(WHOLE) or scope["path"].startswith("/v1/")
        await (self._as_it_is if whole else self._compressed)(scope, receive, send)
