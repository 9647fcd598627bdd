"""A renamed file gets the transcript of its content (`local/runtime/contents.py`), and nothing is paid again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.runtime import contents
from shared.errors import Permanent
from shared.flow import same_content
from shared.model import recording_id
from shared.state import uploads

if TYPE_CHECKING:
    from shared.model import StoredObject
    from shared.ports import Ports


def reuse(ports: Ports, source: StoredObject) -> bool:
    """Give a new file of the inbox the transcript of a finished one with its content and options, if there is one.

    Either way its content is known from then on.

    Returns:
        False if it has to be transcribed.
    """
    asks = uploads.fix(source, ports.records)
    if asks.problem:
        return False
    try:
        key = contents.key_of(source, asks.options, ports)
    except Permanent:  # it has just changed, or cannot be read: transcribing it says so
        return False
    earlier = contents.find(key, ports)
    done = earlier is not None and same_content.reuse(source, asks.options, earlier, ports)
    contents.remember(key, recording_id(source, asks.options), ports, done=earlier)
    return done
