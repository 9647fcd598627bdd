"""Publish a dead letter again, because a person fixed what it failed on.

If it ended its recording, the recording is continued instead (`shared/flow/retry.py`): that publishes everything
without a result, and the letter's own message would be void.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from shared.errors import BadRequest, ConfigurationError
from shared.flow import retry
from shared.messages import CHUNKS_DONE, TRANSCRIPTS_READY
from shared.state import answers, dead_letters, documents
from shared.topology import EXPORTER, REQUESTS, WEBHOOKS, WEBHOOKS_BUDGET, topology

if TYPE_CHECKING:
    from shared.model import Recording
    from shared.ports import Ports, Records
    from shared.state.dead_letters import Letter

TELLING = frozenset({EXPORTER, WEBHOOKS, WEBHOOKS_BUDGET})
"""Subscriptions that tell of what has ended: their letters say nothing against it."""


def replay(letter: Letter, ports: Ports, *, again: bool = False) -> Literal["published", "continued"]:
    """Publish a letter's message where it came from, as it was first published; or continue what it ended.

    With `again` also if it was replayed before.

    Raises:
        BadRequest: it cannot be replayed, see `obstacle`.
        Transient: it may have been published; it counts as replayed.
    """
    if why_not := obstacle(letter, ports, again=again):
        raise BadRequest(f"{letter.key} cannot be replayed: {why_not}.")
    if not dead_letters.note_replay(letter, ports):
        raise BadRequest(f"{letter.key} was replayed by someone else just now.")
    recording = _recording(letter, ports.records)
    if recording is not None and recording.ended and letter.source not in TELLING:
        retry.ask(recording, ports)
        return "continued"
    ports.queue.publish(topic_of(letter), letter.text.encode(), letter.published)
    return "published"


def obstacle(letter: Letter, ports: Ports, *, again: bool = False) -> str:
    """Why a letter cannot be replayed, for a person; empty if it can."""
    if letter.replayed is not None and not again:
        when = dt.datetime.fromtimestamp(letter.replayed, dt.UTC).strftime("%Y-%m-%d %H:%M")
        return f"it was replayed on {when} UTC; --again replays it once more"
    return _of_message(letter, ports.records) or _of_recording(letter, ports)


def _of_message(letter: Letter, records: Records) -> str:
    if not topic_of(letter):
        return "it is not known where it came from"
    if not letter.whole:
        cut = letter.size > dead_letters.MOST_KEPT
        return f"only the beginning of its {letter.size:,} bytes was kept" if cut else "it is not text"
    asked = _answered(letter, records) if letter.source == REQUESTS else ""
    return f"request {asked} has its answer; send it with a new request_id" if asked else ""


def _of_recording(letter: Letter, ports: Ports) -> str:
    recording = _recording(letter, ports.records)
    # The transcript is there, and could not be written, or told of, where the person wants it.
    if recording is None or letter.source in TELLING:
        return ""
    if not recording.ended:
        # A second message about a chunk may have it transcribed, and paid for, twice.
        given_up = dead_letters.COUNT in letter.attributes and letter.about.chunk is not None
        again = given_up and topic_of(letter) != CHUNKS_DONE
        return (
            "its part of the recording was published again, or given to another engine, at once"
            if again
            else ""
        )
    if recording.state != "FAILED":
        return f"its recording is {recording.state}, so the message has nothing left to do"
    if (recording.finished or 0.0) < letter.time:
        return "its recording failed before, for another reason; `dropscribe retry` continues it"
    return retry.obstacle(recording, ports)


def topic_of(letter: Letter) -> str:
    """The topic that a letter was published to; empty if that is not known."""
    if letter.source == EXPORTER:
        return TRANSCRIPTS_READY
    try:
        return topology(webhooks=True).subscription(letter.source).topic
    except ConfigurationError:
        return ""


def _recording(letter: Letter, records: Records) -> Recording | None:
    key = letter.about.recording
    return documents.glance(records, key) if key else None


def _answered(letter: Letter, records: Records) -> str:
    """The request_id of a request that has its answer; empty if it has none."""
    request_id = letter.about.request
    key = answers.key_of(request_id)
    asked = documents.mark(answers.REQUESTS, key, answers.Asked, records) if request_id else None
    return request_id if asked is not None and asked.answer is not None else ""
