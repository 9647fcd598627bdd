"""Step 1 for a request of another service: the same path as an upload, with an answer at the end.

The answer goes to `transcripts-ready` with the caller's `request_id`. It is sent when the recording ends
(`record.announce`); this module answers requests for recordings that have ended already, and invalid ones.

The id of an operator's request follows from what it is about, so it is the same when the operator asks again. If it was
refused, it is considered again then. One of `retry.py` names its recording, and one of `backfill.py` its upload: it never
begins another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import BadMedia, BadRequest, BucketRefused, OverLimit, Permanent
from shared.flow import backfill, erase, record, refusals, retry, upload
from shared.messages import TranscribeRequest, options_from_metadata, readable_part, request_from_json
from shared.model import FILES_BUCKET, Options, Recording, StoredObject, recording_id
from shared.routing import weights
from shared.settings import Settings, variable
from shared.state import answers, dead_letters, documents, uploads
from shared.state.documents import Changed
from shared.telemetry import log
from shared.topology import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shared.ports import Ports
    from shared.state.answers import Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The recording that a request is about."""

    key: str
    options: Options
    stands: Recording | None
    """As it is stored; None if there is none yet."""


def on_request(message: Mapping[str, Any], ports: Ports) -> None:
    """Take one request to published chunks, or to its answer.

    The message is as push delivers it: base64 `data`, `attributes`, `messageId`.
    """
    try:
        data = dead_letters.data_of(message)
        refusals.check_request(data, ports.settings)
        request = request_from_json(data)
        found = remember(request, ports)
    except (BadRequest, OverLimit) as error:
        refuse(message, error, ports)
        return
    asked = found.record
    if asked.forgotten:
        log.info("a request came again whose recording is deleted")
        # An earlier delivery may have failed before it found that.
        erase.forget_failures(request.request_id, ports)
        return
    if asked.answer is not None:
        answers.settle(asked.request.request_id, asked.answer, ports, again=True)
        erase.once_more(asked.recording, ports)
        return
    recording = go_on(asked, ports, first=found.by_us)
    if recording.ended:
        answers.settle(asked.request.request_id, record.ending(recording, ports), ports)
    if recording.state == "DELETED":
        erase.once_more(recording.id, ports)


def remember(request: TranscribeRequest, ports: Ports) -> Changed[Asked]:
    """The document of a request, by us if it is new: what its first delivery found applies to all later ones.

    Raises:
        BadRequest: its request_id was used for another request.
    """
    asked = answers.find(request.request_id, ports.records)
    if asked is None:
        asked = look_up(request, ports)
        if answers.create(asked, ports):
            log.info("request %s asks for %s", request.request_id, request.uri)
            return Changed(record=asked, by_us=True)
        asked = answers.find(request.request_id, ports.records) or asked
    is_ours = refusals.is_of_operator(request.request_id)
    if asked.refused and (is_ours or (asked.met_damage and asked.request == request)):
        return answers.ask_again(look_up(request, ports), ports)
    if asked.request != request and not asked.forgotten:
        raise BadRequest(
            f"request_id {request.request_id} was used before, with another uri, other options or other metadata. "
            "Send this request with a request_id of its own."
        )
    return Changed(record=asked, by_us=False)


def look_up(request: TranscribeRequest, ports: Ports) -> Asked:
    """The new document of a request: with its recording, or with its answer if there can be none."""
    now = ports.clock.now()
    end = retry.end_of(request.request_id)
    if end is not None and (recording := _ended(end, request, ports)) is not None:
        return _look_up_again(request, recording, end.life, ports)
    try:
        check_bucket(request.uri, ports.settings)
        source = locate(request.uri, ports)
        if backfill.is_of_another(request.request_id, source):
            raise _replaced(source)
        wanted = want(source, request.options, ports)
        if not refusals.is_of_operator(request.request_id):
            check_quota(wanted.options, ports)
    except (Permanent, BucketRefused) as error:
        # The caller named the bucket, so only the caller can fix one that is missing or unreadable.
        answer = answers.failure(request, error)
        return answers.Asked(request=request, created=now, uri=request.uri, answer=answer)
    return answers.Asked(
        request=request,
        created=now,
        recording=wanted.key,
        source=source,
        options=wanted.options,
        label=wanted.options.label or "",
        continues=_last_end(wanted.stands),
    )


def want(source: StoredObject, options: Options | None, ports: Ports) -> Wanted:
    """Which recording a request for an object is about. A request with the options found here is about the same one.

    Raises:
        BadRequest: without `options`, the metadata of the object are no valid ones.
        BadMedia: code `missing`, what is known as its recording is that of another version.
    """
    options = options or _options_of(source, ports)
    key = recording_id(source, options)
    stands = documents.get_recording(ports.records, key)
    if stands is None and source.bucket == FILES_BUCKET:
        # One recording with `dropscribe transcribe`, which knows the files of this machine by their weights.
        options = weights.named(options, ports.settings)
        key = recording_id(source, options)
        stands = documents.get_recording(ports.records, key)
    uploads.check_version(source, stands)
    return Wanted(key=key, options=options, stands=stands)


def _ended(end: retry.End, request: TranscribeRequest, ports: Ports) -> Recording | None:
    """The recording that an operator asked to continue; None if the request is about another one, or there is none."""
    recording = documents.get_recording(ports.records, end.recording)
    # What is deleted has lost its name.
    if recording and (recording.state == "DELETED" or recording.source.uri == request.uri):
        return recording
    return None


def _look_up_again(request: TranscribeRequest, recording: Recording, life: int, ports: Ports) -> Asked:
    """The new document of a request to continue a recording.

    Requests need not be allowed to name its bucket: it was uploaded there, or asked for when they were.
    """
    asked = answers.Asked(
        request=request,
        created=ports.clock.now(),
        recording=recording.id,
        source=recording.source,
        options=recording.options,
        label=recording.options.label or "",
    )
    try:
        if recording.state == "DELETED":
            raise BadRequest(erase.REASON)
        live = locate(request.uri, ports)
        uploads.check_version(live, recording)
        if live.generation != recording.source.generation:
            raise _replaced(live)
    except (Permanent, BucketRefused) as error:
        return replace(asked, answer=answers.failure(request, error))
    last = _last_end(recording)
    return replace(asked, continues=None if last is None else min(last, life))


def _replaced(live: StoredObject) -> BadMedia:
    """Why a request of an operator is refused that is about an object which is gone."""
    # Files that are read where they lie are not watched.
    new = "Ask for the new one" if live.bucket == FILES_BUCKET else "The new one has a recording of its own"
    return BadMedia("missing", f"Its file has been replaced. {new}.")


def _last_end(recording: Recording | None) -> int | None:
    """The `life` of the last end that is no answer to a request of this moment; None if there is none."""
    if recording is None:
        return None
    if recording.ended_without:
        return recording.life
    return recording.life - 1 if recording.life else None


def check_bucket(uri: str, settings: Settings) -> None:
    """Check that requests may name a bucket: without that, they could have all read that this deployment can read.

    Files of one machine are named by a user who can write to its state folder: its owner.

    Raises:
        BadRequest: they may not.
    """
    scheme, _, path = uri.partition("://")
    if scheme != "file" and path.partition("/")[0] not in settings.request_bucket_set:
        raise BadRequest(
            f"Requests may not name the bucket of {uri}. Copy the object to one that they may name, or have the "
            f"bucket added to {variable('request_buckets')} of this deployment; then send the request again with a new "
            "request_id."
        )


def check_quota(options: Options, ports: Ports) -> None:
    """Check that the caller has not too many requests open; requests of one moment may pass together.

    Raises:
        OverLimit: it has.
    """
    if ports.settings.max_open_requests:
        label = options.label or ""
        count = ports.records.count(answers.REQUESTS, {"answered": False, "label": label})
        refusals.check_quota(label, count, ports.settings)


def _options_of(source: StoredObject, ports: Ports) -> Options:
    """The options of an upload, for a request that has none.

    One that failed for its metadata has none either: they are read as they are now.

    Raises:
        BadRequest: the metadata are no valid options.
    """
    asks = uploads.fix(source, ports.records)
    return options_from_metadata(source.metadata) if asks.problem else asks.options


def locate(uri: str, ports: Ports) -> StoredObject:
    """The live object that a URI names.

    Raises:
        BadRequest: this deployment cannot read such a URI.
        BadMedia: code `missing`, there is no such object.
        Permanent: the store refuses it: its bucket does not exist, a permission is missing, …
    """
    scheme, _, path = uri.partition("://")
    bucket, _, name = path.partition("/")
    platform: str = ports.settings.platform
    if scheme == "file":
        if platform != "local":
            raise BadRequest(f"{uri} is a local file. Upload it, and ask for gs://bucket/name.")
        bucket = FILES_BUCKET
    source = ports.store.stat(bucket, name)
    if source is None:
        raise BadMedia(
            "missing",
            f"There is nothing at {uri}. Check the spelling (names are used literally, without "
            "percent-encoding), then send the request again with a new request_id.",
        )
    return source


def go_on(asked: Asked, ports: Ports, *, first: bool) -> Recording:
    """The recording of a request, started unless it is already in progress.

    A recording that had failed or been cancelled when this request came is tried again: known by its life, because
    times of two machines do not tell what came first. One in progress is left alone: if its chunks were published
    again, they would be transcribed, and paid for, twice.
    """
    assert asked.source is not None, "it has no answer, so it has a source"
    recording = documents.get_recording(ports.records, asked.recording)
    if recording is None:
        return upload.take(asked.source, asked.options, ports)
    if recording.ended_without and recording.life == asked.continues:
        upload.reopen(recording, ports)
        return upload.take(asked.source, asked.options, ports)
    if recording.ended or first:
        return recording
    return upload.take(asked.source, asked.options, ports)


def refuse(message: Mapping[str, Any], error: Permanent, ports: Ports) -> None:
    """Keep an invalid request as a dead letter, and answer it if it has a request_id."""
    data = dead_letters.keep(message, ports, str(error), where=REQUESTS)
    request = readable_part(data)
    log.warning("refused request %s: %s", request.request_id if request else "without a request_id", error)
    if request is not None:
        answers.refuse(request, error, ports)
