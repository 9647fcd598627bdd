"""A takeover, in which an engine of the other kind gets a whole recording with speakers.

Numbers of speakers of a hosted engine and voices of ours cannot be compared, so results of the two are never mixed.
The recording gets a plan of that engine, whose chunks have numbers after those of the plan before: messages and results
of the earlier plan name chunks that the plan no longer has. Whatever was heard for it stays paid, and counts as not used.

One transaction changes the plan. If the process dies before it publishes the new chunks, the sweeper does, as for any
plan that was not published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import spec
from shared.flow import dispatch, refusals
from shared.in_words import counted, listed
from shared.model import Chunk, Engine, Fallback, Recording, Tried
from shared.routing import score
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.settings import Settings


def chunks_for(engine: Engine, recording: Recording, settings: Settings) -> tuple[Chunk, ...]:
    """The plan of an engine that takes over a whole recording. Pure.

    Raises:
        OverLimit: it would have more chunks than a recording may have.
    """
    assert recording.audio is not None, "set with the plan"
    first = recording.chunks[-1].index + 1
    cut = score.chunks_of(recording.audio, recording.source.size, spec(engine), settings, recording.options)
    refusals.check_chunks(len(cut), settings)
    return tuple(replace(one, index=first + one.index) for one in cut)


def take_over(
    recording: Recording, chunks: tuple[Chunk, ...], tried: tuple[Tried, ...], ports: Ports
) -> None:
    """Give a recording to an engine that takes over all of it, unless another process did.

    `chunks` is the plan of that engine, see `chunks_for`; the engines of `tried` gave the chunk up, in order.

    Raises:
        Transient: it is not confirmed, or the new chunks may not be published: then the sweeper publishes them.
    """
    engine = chunks[0].engine
    planned = dispatch.planned_anew(recording, ports)

    def taken(stored: Recording) -> Recording | None:
        if stored.state != "PLANNED" or stored.files or stored.withdrawn:
            return None
        if (stored.life, stored.chunks) != (recording.life, recording.chunks):
            return None
        assert stored.decision is not None, "set with the plan"
        before = listed(dict.fromkeys(spec(one.engine).in_sentences for one in tried), "and")
        decision = replace(
            stored.decision,
            method=spec(engine).method,
            engine=engine,
            model=stored.weights.get(engine, stored.decision.model),
            reason=f"{stored.decision.reason}; {spec(engine).in_sentences} takes all of it over from {before}; the "
            "warnings say why",
        )
        return replace(
            stored,
            chunks=chunks,
            decision=decision,
            fallback=Fallback(
                engines=stored.fallback.whole, whole=stored.fallback.engines, why_not=stored.fallback.why_not
            ),
            given_up=tried,
            planned=planned,
            published=0,
        )

    changed = documents.change_recording_first(ports, recording.id, taken)
    if changed.by_us:
        name = documents.called(recording.source, ports.settings)
        log.warning("%s takes over all of %s: %s", engine, name, counted(len(chunks), "chunk"))
        dispatch.publish_chunks(changed.record, ports, ours=True)
