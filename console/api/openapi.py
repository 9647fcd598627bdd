"""The description of the API (OpenAPI 3.1), from the table of routes and the types of the bodies."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from console.api.types import ErrorBody

REFERENCE = "#/components/schemas/{name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A row of the API: what is answered at an address, and with what."""

    method: str
    """The HTTP method."""
    path: str
    """Under `/api/v1`."""
    about: str
    """One sentence."""
    handler: Callable[[Request], Awaitable[Response]]
    """What answers."""
    gives: Any = None
    """Type of the body of the answer; None: it is no JSON, or has no fixed type."""
    takes: Any = None
    """Type of the body of the request; None: it has none."""
    status: int = 200
    """HTTP status of the usual answer."""
    asks: tuple[str, ...] = ()
    """Names in its query."""


def described(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document."""
    kinds = [kind for one in endpoints for kind in (one.gives, one.takes) if kind is not None]
    distinct = list(dict.fromkeys([*kinds, ErrorBody]))
    schemas, components = msgspec.json.schema_components(distinct, ref_template=REFERENCE)
    schema_of = dict(zip(distinct, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dropscribe",
            "version": version("dropscribe"),
            "description": "Recordings, transcripts and costs. Times are seconds since 1970, positions in audio "
            "milliseconds, money US dollars.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Endpoint, schema_of: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", one.path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ] + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in one.asks]
    usual: dict[str, Any] = {"description": one.about}
    if one.gives is not None:
        usual["content"] = {"application/json": {"schema": schema_of[one.gives]}}
    found: dict[str, Any] = {
        "summary": one.about,
        "operationId": _name(one),
        "parameters": parameters,
        "responses": {
            str(one.status): usual,
            "default": {
                "description": "What is wrong, and what to do.",
                "content": {"application/json": {"schema": schema_of[ErrorBody]}},
            },
        },
    }
    if one.takes is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[one.takes]}},
        }
    return found


def _name(one: Endpoint) -> str:
    """As `get_recordings_id_words`."""
    return "_".join([one.method.lower(), *re.findall(r"\w+", one.path)])
