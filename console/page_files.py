"""The page: its files as they are, and its HTML with a fresh nonce per response."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from console.security.headers import policy

if TYPE_CHECKING:
    from starlette.requests import Request

FOLDER = Path(__file__).resolve().parent / "page"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
"""Files of other kinds are not served."""
VIEWS = ("/", "/recordings/{id}", "/costs", "/trouble", "/search")
"""Addresses that show the page; it decides what it shows by its address."""
MOST_FILES = 500


def routes() -> list[Route]:
    """The routes of the page."""
    return [
        *(Route(path, page, methods=["GET"]) for path in VIEWS),
        Route("/page/{path:path}", file, methods=["GET"]),
        Route("/{path:path}", nothing, methods=["GET"]),
    ]


async def page(request: Request) -> Response:
    """The HTML, which is the same for all views."""
    nonce = secrets.token_urlsafe(16)
    text = _read(FOLDER / "index.html")
    if text is None:
        return Response("The page is not in this installation.\n", 404, media_type="text/plain")
    storage = request.app.state.ports.settings.platform == "google"
    headers = {"Content-Security-Policy": policy(nonce=nonce, storage=storage), "Cache-Control": "no-store"}
    body = text.decode("utf-8").replace("{nonce}", nonce)
    return Response(body, headers=headers, media_type="text/html; charset=utf-8")


async def file(request: Request) -> Response:
    """A file of the page."""
    path = FOLDER / request.path_params["path"]
    kind = TYPES.get(path.suffix)
    data = _read(path) if kind and _is_inside(path) else None
    if data is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    # A file of a library never changes under its name; ours are asked for again.
    lasting = "public, max-age=31536000, immutable" if "vendor" in path.parts else "no-cache"
    headers = {"ETag": tag, "Cache-Control": lasting}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=kind)


async def nothing(_: Request) -> Response:
    """What is at all other addresses."""
    return Response(
        "There is nothing at this address. The recordings are at /, what programs may ask for is described in "
        "/api/v1/openapi.json.\n",
        404,
        media_type="text/plain",
    )


def _is_inside(path: Path) -> bool:
    try:
        return ".." not in path.parts and path.resolve().is_relative_to(FOLDER)
    except (OSError, ValueError):
        # A name that no file can have.
        return False


@lru_cache(maxsize=MOST_FILES)
def _bytes(path: Path, changed: int) -> bytes:  # noqa: ARG001 - another time is another content
    return path.read_bytes()


def _read(path: Path) -> bytes | None:
    try:
        return _bytes(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None
