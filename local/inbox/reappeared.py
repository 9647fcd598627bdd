"""A file of the inbox that is there again: its recording goes on if it failed because the file was gone, and its transcript is
shown again if that of another version took its place.
"""  # noqa: D205 - it does not fit on the first line

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.flow import retry
from shared.state import uploads
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Recording, StoredObject
    from shared.ports import Ports


def is_known(
    ports: Ports, source: StoredObject, *, show_again: Callable[[Recording], object] = lambda _: None
) -> bool:
    """Whether a file of the inbox has its recording, with whatever options.

    If that failed because this file was gone, the router is asked to go on with it, as `dropscribe retry` does: once for
    each end, however often this is called. If it is DONE, `show_again` is called with it.
    """
    recording = uploads.recording_of(source, ports.records)
    if recording is None:
        return False
    if why := uploads.unlike(source, recording):
        log.warning("not transcribed: %s", why)
        return True
    was_gone = (recording.state, recording.code) == ("FAILED", "missing")
    if was_gone and not retry.obstacle(recording, ports):
        log.info("%s is there again, and is transcribed after all", source.name)
        retry.ask(recording, ports)
    if recording.state == "DONE":
        show_again(recording)
    return True
