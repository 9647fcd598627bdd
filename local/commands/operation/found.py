"""The recordings that a command line names by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import NotFound
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording
    from shared.ports import Records


def by_key(keys: Sequence[str], records: Records) -> list[Recording]:
    """The recordings with these keys, in their order, each once.

    Raises:
        NotFound: names the key that no recording has.
        Transient: the records did not answer.
    """
    found = []
    for key in dict.fromkeys(keys):
        recording = documents.get_recording(records, key)
        if recording is None:
            raise NotFound(f"There is no recording {key}. `dropscribe status --keys` shows the keys.")
        found.append(recording)
    return found
