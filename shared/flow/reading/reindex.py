"""Add transcripts that are older than the search index, or whose index was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import BadRequest, Permanent
from shared.flow.reading import revision, search_index
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model import Recording
    from shared.ports import Ports


def every(ports: Ports) -> Iterator[tuple[Recording, str]]:
    """Add the words of each recording that is DONE, with its newest correction; what is there already is left.

    It may be broken off and repeated.

    Returns:
        Each recording, with why its words cannot be added; empty if they can be found now.

    Raises:
        Transient: the store, the records or the index did not answer; run it again.
    """
    for one in documents.recordings(ports.records, {"state": "DONE"}):
        number = revision.newest(one.id, ports)
        try:
            transcript = revision.transcript(one, number, ports)
        except (Permanent, BadRequest) as error:
            yield one, str(error)
            continue
        search_index.add(one, ports, transcript)
        yield one, ""
