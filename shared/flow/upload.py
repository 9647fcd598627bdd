"""Step 1. An object appeared: the first process to see it records it; then probe, route, plan and publish.

The whole step may run twice, at the same time or after a crash anywhere in it: the document of the
recording is created once, its plan is frozen once, and a repeat publishes that same plan again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shared import formats
from shared.costs import budget
from shared.engines import choices
from shared.errors import BadRequest, NewerVersion, Permanent, Transient
from shared.flow import dispatch, probe, record, redo, refusals, retry
from shared.in_words import counted
from shared.messages import object_from_event, to_fields
from shared.model import Options, Recording, StoredObject, recording_id
from shared.routing import eligible, flags, route, weights, within_budget
from shared.routing.case import Case
from shared.state import claims, documents, uploads
from shared.state.documents import Changed
from shared.telemetry import context, log, measure, span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shared.ports import Ports
    from shared.state.claims import Claim


def on_upload(event: Mapping[str, Any], ports: Ports) -> Recording | None:
    """Take one uploaded object from its event to published chunks.

    The event is the object resource of `google.cloud.storage.object.v1.finalized`.

    Returns:
        The recording, PLANNED, or further on if this event was seen before; None if the object is no upload, see
        `StoredObject.is_upload`.

    Raises:
        BadRequest: the event itself is malformed, so there is no recording to fail.
        Transient: deliver the event again.
    """
    source = object_from_event(event)
    ours = {ports.settings.transcripts_bucket, ports.settings.work_bucket}
    if source.bucket in ours:
        raise BadRequest(f"{source.uri} is an output: point the router's events at the audio bucket only.")
    return on_object(source, ports) if source.is_upload else None


def on_object(source: StoredObject, ports: Ports) -> Recording:
    """Take one known object to published chunks, with the options of its upload."""
    with ports.together():
        asks = uploads.fix(source, ports.records)
        if asks.problem:
            return refuse(source, asks.problem, ports)
        return take(source, asks.options, ports)


def refuse(source: StoredObject, problem: str, ports: Ports) -> Recording:
    """The recording of an upload whose metadata are no valid options: created as FAILED, and announced.

    One that exists is left as it is: a caller may have asked for the default options.
    """
    first = first_seen(source, Options(), ports)
    failed = replace(first, state="FAILED", finished=first.created, reason=problem, code=BadRequest.__name__)
    recording = _create(failed, ports)
    # One that is DONE is announced by the merger or the sweeper, which may write the search index.
    return record.announce(recording, ports) if recording.ended_without else recording


def take(source: StoredObject, options: Options, ports: Ports, *, again: bool = False) -> Recording:
    """Take one object from its present state to published chunks.

    `again` as for `dispatch.publish_chunks`.

    Raises:
        Transient: try again; also while this process must leave it alone, or its place is not there.
    """
    recording = accept(source, options, ports)
    with documents.about(recording), span("plan"):
        return recording if recording.ended else _take(recording, ports, again=again)


def _take(recording: Recording, ports: Ports, *, again: bool) -> Recording:
    ours = False
    try:
        if recording.state == "ACCEPTED":
            if why := ports.out_of_reach(recording):
                raise Transient(why)
            planned = freeze_plan(_let_go(recording, ports), ports)
            recording, ours = planned.record, planned.by_us
        dispatch.publish_chunks(recording, ports, again=again, ours=ours)
    except Permanent as error:
        return record.fail(recording.id, error, ports)
    return recording


def accept(source: StoredObject, options: Options, ports: Ports) -> Recording:
    """The recording of an upload: the first call creates it, all later ones return the same."""
    return _create(first_seen(source, options, ports), ports)


def first_seen(source: StoredObject, options: Options, ports: Ports) -> Recording:
    """The recording of an upload as it begins, which is not stored yet."""
    key = recording_id(source, options)
    return Recording(
        id=key,
        source=source,
        options=options,
        state="ACCEPTED",
        created=ports.clock.now(),
        release=ports.settings.release,
        traceparent=context.of_recording(key, context.current().trace),
    )


def _create(recording: Recording, ports: Ports) -> Recording:
    """The recording, stored; the one that stands if there was one before."""
    if ports.records.create(documents.RECORDINGS, recording.id, to_fields(recording)):
        with documents.about(recording):
            log.info("accepted %s as %s", documents.called(recording.source, ports.settings), recording.id)
            measure("uploads_total")
        return recording
    return documents.get_recording(ports.records, recording.id) or recording


def reopen(recording: Recording, ports: Ports) -> None:
    """Let a recording that is FAILED, CANCELLED or held be tried again, because a person asked for it.

    A frozen plan stays, because some of its chunks may have results. The others go to the engines of the plan
    again, even if those gave them up before. It is ACCEPTED first, like one that is new: what is left to do has to fit
    into the budgets.
    """

    def back_to_work(stored: Recording) -> Recording | None:
        if stored.state == "ACCEPTED" and stored.held:
            return replace(stored, held="", planned=ports.clock.now())
        if not stored.ended_without or stored.life != recording.life:
            return None
        return replace(
            stored,
            state="ACCEPTED",
            created=ports.clock.now(),
            planned=None,
            published=0,
            life=stored.life + 1,
            files=(),
            finished=None,
            reason="",
            code="",
            announced=False,
            given_up=(),
        )

    claims.renew(recording.id, partial(_fresh, recording), ports)
    documents.change_recording(ports, recording.id, back_to_work)


def _fresh(recording: Recording, claim: Claim) -> Claim | None:
    """A claim as if no engine had tried, at a turn for which there is no message yet."""
    planned = recording.chunk(claim.index)
    if not claim.tried or planned is None:
        return None
    return replace(claim, engine=planned.engine, turn=claim.turn + 1, tried=(), published=True)


def _let_go(recording: Recording, ports: Ports) -> Recording:
    """The recording, no longer held: a process that dies from here on leaves one that the sweeper pushes."""
    if not recording.held:
        return recording

    def unheld(stored: Recording) -> Recording | None:
        return replace(stored, held="", planned=ports.clock.now()) if stored.held else None

    return documents.change_recording(ports, recording.id, unheld) or recording


def freeze_plan(recording: Recording, ports: Ports) -> Changed[Recording]:
    """Probe, route and plan; the first stored plan is the plan. The recording stays ACCEPTED if a budget holds it.

    One that is tried again keeps its plan. It is changed by us if it was this process that made it PLANNED.

    Raises:
        NewerVersion: its method was accepted by a newer version.
        Permanent: the recording cannot be transcribed; the reason is for its owner.
    """
    if recording.options.method not in choices():
        raise NewerVersion(f"there is no method {recording.options.method!r}")
    if recording.chunks:
        return _resume(recording, ports)
    refusals.check_size(recording.source, ports.settings)
    audio = probe.look_at(recording.source, recording.options, ports)
    refusals.check_seconds(audio.duration, ports.settings)
    case = Case(
        key=recording.id,
        size=recording.source.size,
        audio=audio,
        options=recording.options,
        life=recording.life,
    )
    admitted = within_budget.choose(case, ports)
    refusals.check_chunks(len(admitted.choice.chunks), ports.settings)
    if admitted.held:
        return _hold(recording, admitted.held, ports)
    decision, chunks = admitted.choice.decision, admitted.choice.chunks
    settings = flags.read(ports).applied(ports.settings)
    others = eligible.allowed(recording.options, settings, ports.engines, chunks)
    used = weights.each(recording.options, settings, ports.engines)

    planned = _plan_once(
        recording,
        ports,
        audio=audio,
        decision=decision,
        chunks=chunks,
        fallback=others,
        weights=used,
        formats=formats.of_recording(recording.options.formats, settings.formats),
    )
    count = counted(len(planned.record.chunks), "chunk")
    log.info("planned %s: %s; %s", documents.called(recording.source, ports.settings), count, decision.reason)
    return planned


def _resume(recording: Recording, ports: Ports) -> Changed[Recording]:
    """Go on with the frozen plan of a recording that is tried again, if what is left to do fits into the budgets."""
    redo.forget(recording, ports)
    left = retry.left(recording, route.known(ports), ports)
    admission = budget.commit(recording.id, left.usd or 0.0, ports, life=recording.life)
    if admission.action == "hold":
        return _hold(recording, admission.lasting, ports)
    planned = _plan_once(recording, ports)
    name = documents.called(planned.record.source, ports.settings)
    log.info("%s continues: %d of %d chunks are left", name, left.chunks, left.of)
    return planned


def _plan_once(recording: Recording, ports: Ports, **found: Any) -> Changed[Recording]:
    """Let an ACCEPTED recording be PLANNED with what was found, unless another process did that first."""

    def plan_once(stored: Recording) -> Recording | None:
        if stored.state != "ACCEPTED" or stored.life != recording.life:
            return None
        return replace(stored, state="PLANNED", planned=ports.clock.now(), held="", **found)

    planned = documents.change_recording_first(ports, recording.id, plan_once)
    if planned.record.ended:
        # Another delivery was so much faster that the recording ended before this commitment was made.
        budget.ended(recording.id, ports, life=planned.record.life)
    return planned


def _hold(recording: Recording, why: str, ports: Ports) -> Changed[Recording]:
    def to_held(stored: Recording) -> Recording | None:
        return replace(stored, held=why) if stored.state == "ACCEPTED" else None

    held = documents.change_recording(ports, recording.id, to_held)
    assert held is not None, "it was accepted a moment ago"
    if held.state == "PLANNED":
        budget.let_go(held.id, ports)
    return Changed(record=held, by_us=False)
