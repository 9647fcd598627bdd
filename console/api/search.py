"""`GET /search`: find words in all transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.api.answers import bad_request
from console.api.recordings import number
from console.api.types import Hit, Hits
from shared.flow.reading import search_index
from shared.in_words import encodable, printable
from shared.outputs.printable import milliseconds

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.ports import Ports

PAGE, MOST = 50, 200
"""Hits of a page, if nothing is said, and at most."""
LONGEST = 1000
"""Characters of a search."""


def search(request: Request, ports: Ports) -> Hits:
    """`GET /search`: where some words were said, the newest recordings first."""
    query = request.query_params
    typed = query.get("q", "").strip()
    if not typed or len(typed) > LONGEST:
        raise bad_request(f"Type what to search for, in at most {LONGEST:,} characters.")
    found = search_index.find(
        typed, number(query.get("limit"), PAGE, MOST), ports, query.get("cursor") or None
    )
    return Hits(
        hits=[
            Hit(
                recording=one.id,
                name=encodable(printable(one.called)),
                start=milliseconds(hit.start),
                snippet=[(encodable(text), is_hit) for text, is_hit in hit.parts],
            )
            for one, hit in found.hits
        ],
        next=found.cursor,
    )
