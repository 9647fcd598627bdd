"""What must hold after every history."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.engines import hosted_specs, is_hosted
from shared.flow.chunk import result_name
from shared.formats import file_names, of_recording
from shared.messages import decode, from_fields
from shared.results import ChunkResult, LedgerRow
from shared.state import documents
from shared.state.claims import CLAIMS, Claim
from tests.simulation import causes
from tests.simulation.fakes import label_of, speaker_of, stretch, text_of, windows_of
from tests.simulation.scenarios import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model import Recording
    from tests.simulation.world import World


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What came of a scenario when nothing went wrong."""

    outputs: dict[str, bytes]
    """Transcripts by name of the recording and of the file."""
    engines: dict[tuple[str, int], str]
    """Who recognised what, by name of the recording and index of the chunk."""
    planned: dict[tuple[str, int], str]
    """Who was to recognise it, before anything was handed over."""
    tried: dict[tuple[str, int], str]
    """Who gave it up, and why."""
    work: Counter[tuple[str, str]]
    """How often an engine of ours recognised a window."""
    calls: Counter[tuple[str, int]]
    """How often a hosted engine was paid, by name of the recording and index of the chunk."""
    took: float
    """Seconds until everything had ended."""

    def times(self, engine: str, what: str, name: str, index: int) -> int:
        """How often an engine was asked, at least once: about a window, or about the chunk of a recording."""
        return max(1, self.work[engine, what] if engine in OURS else self.calls[name, index])

    @classmethod
    def of(cls, world: World) -> Undisturbed:
        """What came of it in this world."""
        return cls(
            outputs=outputs_of(world),
            engines=engines_of(world),
            planned=planned_of(world),
            tried=tried_of(world),
            work=Counter(world.work.done),
            calls=calls_of(world),
            took=world.took,
        )


def problems(world: World, judged_by: Undisturbed | None, *, ended: bool) -> list[str]:
    """Everything that is wrong; empty if nothing is."""
    found = list(world.surprises)
    found += [f"dropped a field of a later release: {one}" for one in world.released.losses]
    if not ended:
        found.append(f"not ended: {_where(world)}")
    recordings = recordings_of(world)
    found += ends(world, recordings)
    found += words(world, recordings)
    found += speakers(world, recordings)
    found += told(world, recordings)
    found += webhooks(world, recordings)
    found += overwritten(world)
    found += results(world, recordings)
    found += ledger(world, recordings)
    found += engines(world, recordings)
    found += forgotten(world)
    found += searchable(world, recordings)
    found += planned(world, recordings)
    if judged_by is not None:
        found += bytes_of(world, judged_by)
        found += causes.repeats(world, recordings, judged_by)
        found += in_time(world, judged_by)
    return found


def searchable(world: World, recordings: list[Recording]) -> Iterator[str]:
    """The words of every transcript are in the search index, and no others."""
    done = {one.id: label_of(one.source) for one in recordings if one.state == "DONE" and one.announced}
    for key in done.keys() - world.search.versions.keys():
        yield f"{done[key]}: its words cannot be searched"
    left = {one.id for one in recordings if one.state == "DONE"}
    for key in world.search.versions.keys() - left:
        yield f"{key}: words of what is not DONE are in the search index"


def planned(world: World, recordings: list[Recording]) -> Iterator[str]:
    """The plan, the weights and the files of a recording are those of whoever planned it, whoever does the work."""
    for one in recordings if world.scenario.others else ():
        other, chunks = world.calls.planned.get(one.id, (None, []))
        settings, name = other or world.scenario.deployment, label_of(one.source)
        if len(one.chunks) != len(chunks):
            yield f"{name} has another plan than at first"
        if one.state != "DONE":
            continue
        wanted = file_names(of_recording(one.options.formats, settings.formats))
        found = [file.rpartition("/")[2] for file in one.outputs]
        if sorted(found) != sorted(wanted):
            yield f"{name} has other files than were planned"
        document = json.loads(outputs_of(world)[f"{name}/transcript.json"])
        if {part["model"] for part in document["parts"]} != {settings.model}:
            yield f"{name} was recognised with other weights than were planned: {document['parts']}"


def recordings_of(world: World) -> list[Recording]:
    """All recordings."""
    return list(documents.recordings(world.records))


def outputs_of(world: World) -> dict[str, bytes]:
    """Transcripts, as they would be for an upload at another time: a generation is a time, and part of the key."""
    found = {}
    keys = {label_of(one.source): one.id for one in recordings_of(world)}
    labels = {(one.name, f"{one.generation}"): name for name, one in world.uploads.items()}
    for (bucket, name), (_, data) in world.store.objects.items():
        if bucket == "transcripts":
            _, recording, folder, file = name.split("/")
            recording = labels[recording, folder.partition("-")[0]]
            generation = str(world.uploads[recording].generation).encode()
            found[f"{recording}/{file}"] = data.replace(generation, b"0").replace(
                keys.get(recording, "?").encode(), b"0"
            )
    return found


def engines_of(world: World) -> dict[tuple[str, int], str]:
    """Whose result each chunk has."""
    names = {one.id: label_of(one.source) for one in recordings_of(world)}
    return {
        (names[fields["recording"]], fields["index"]): fields["engine"]
        for _, fields in world.records.query(documents.CHUNKS)
    }


def planned_of(world: World) -> dict[tuple[str, int], str]:
    """Whose each chunk was in the plan, which goes by what is known at its time of the GPU."""
    return {
        (label_of(one.source), chunk.index): chunk.engine
        for one in recordings_of(world)
        for chunk in one.chunks
    }


def tried_of(world: World) -> dict[tuple[str, int], str]:
    """Who gave up each chunk that was handed over, and why: a transcript tells it."""
    names = {one.id: label_of(one.source) for one in recordings_of(world)}
    claims = (from_fields(fields, Claim) for _, fields in world.records.query(CLAIMS))
    handed = [(names[one.recording], one.index, one.tried) for one in claims]
    # One whose whole was taken over: before its first chunk.
    handed += [(label_of(one.source), -1, one.given_up) for one in recordings_of(world) if one.given_up]
    return {
        (name, index): " ".join(f"{each.engine} {each.reason}" for each in tried)
        for name, index, tried in handed
    }


def calls_of(world: World) -> Counter[tuple[str, int]]:
    """How often the hosted engine was paid for each chunk."""
    names = {one.id: label_of(one.source) for one in recordings_of(world)}
    tags = (tag.partition(".") for tag, _ in world.work.bill)
    return Counter((names[key], int(index)) for key, _, index in tags)


def _where(world: World) -> str:
    states = (f"{label_of(one.source)} {one.state} announced={one.announced}" for one in recordings_of(world))
    left = (f"{len(several)} in {name}" for name, several in world.queue.waiting.items() if several)
    return ", ".join([*states, *left])


def ends(world: World, recordings: list[Recording]) -> Iterator[str]:
    """Each upload is one recording, and each has one transcript; FAILED has none."""
    count = Counter(label_of(one.source) for one in recordings)
    deleted = sum(one.state == "DELETED" for one in recordings)
    if deleted != len(world.forgotten):
        yield f"{deleted} recordings are DELETED, of {len(world.forgotten)}"
    for name in world.uploads.keys() - world.forgotten:
        if count[name] != 1:
            yield f"{count[name]} recordings of {name}"
    objects = {name for bucket, name in world.store.objects if bucket == "transcripts"}
    for one in recordings:
        mine = {name for name in objects if f"/{one.source.name}/{one.source.generation}-" in name}
        name = label_of(one.source)
        cancelled = name in world.cancelled - world.retried.keys()
        # Whoever asks for one again whose file is gone is refused, or it ends for that.
        may_be = name in world.cancelled & world.replaced
        if (one.state == "CANCELLED") != cancelled and not may_be:
            yield f"{name} is {one.state}, cancelled: {name in world.cancelled}"
        if one.state == "FAILED" and not _is_actionable(world, one):
            yield f"{name} failed: {one.reason}"
        if mine != set(one.outputs):
            yield f"{label_of(one.source)} is {one.state} with {len(mine)} files, and names {len(one.outputs)}"
        if one.state == "DONE":
            missing = [
                chunk.index
                for chunk in one.chunks
                if documents.chunk_key(one.id, chunk.index) not in world.records.documents["chunks"]
            ]
            if missing:
                yield f"{label_of(one.source)} is DONE without chunks {missing}"


def _is_actionable(world: World, one: Recording) -> bool:
    """Whether a recording failed for what its owner, or that of a bucket, has done, and says so."""
    if label_of(one.source) in world.replaced:
        return "is gone" in one.reason
    return world.scenario.platform == "google" and any(
        f"there is no bucket {bucket}" in one.reason for bucket in world.calls.away
    )


def forgotten(world: World) -> Iterator[str]:
    """Of what was deleted neither the name nor a word is stored anywhere, but the audio."""
    for upload in world.scenario.uploads:
        if upload.name not in world.forgotten:
            continue
        said = [upload.name, *text_of(upload.name, upload.seconds).split()]
        places = {
            f"{collection}/{key}": fields.decode()
            for collection, several in world.records.documents.items()
            for key, fields in several.items()
        }
        places |= {
            f"{bucket}/{name}": data.decode("utf-8", "replace")
            for (bucket, name), (_, data) in world.store.objects.items()
            if bucket != "audio"
        }
        for place, text in places.items():
            if any(one in f"{place} {text}" for one in said):
                yield f"{upload.name} is deleted, and still in {place.partition('/')[0]}"


def words(world: World, recordings: list[Recording]) -> Iterator[str]:
    """A transcript has every word, once and in order."""
    seconds = {one.name: one.seconds for one in world.scenario.uploads}
    outputs = outputs_of(world)
    for one in recordings:
        name = label_of(one.source)
        said = b" ".join(outputs.get(f"{name}/transcript.txt", b"").split()).decode()
        said = re.sub(r"Speaker \d+: ", "", said)
        if one.state == "DONE" and said != text_of(name, seconds[name]):
            yield f"{name} has other words: {said}"


def speakers(world: World, recordings: list[Recording]) -> Iterator[str]:
    """Where speakers were asked for, each word has its own, numbered in the order of first words, in all chunks."""
    outputs = outputs_of(world)
    for one in recordings:
        if one.state != "DONE" or not one.options.diarize:
            continue
        document = json.loads(outputs[f"{label_of(one.source)}/transcript.json"])
        order: dict[int, int] = {}
        for word in document["words"]:
            own = order.setdefault(speaker_of(word["text"]), len(order) + 1)
            if word.get("speaker") != own:
                yield f"{word['text']} of {label_of(one.source)} has the speaker {word.get('speaker')} in place of {own}"


def told(world: World, recordings: list[Recording]) -> Iterator[str]:
    """Every end was announced, every request answered, and always with the same words."""
    heard: dict[tuple[str, str | None], set[str]] = {}
    for one in world.told:
        # What it cost may grow afterwards, while calls without an answer are settled.
        said = f"{one.state} {one.outputs} {one.reason} {one.duration} {one.method}"
        heard.setdefault((one.recording, one.request_id), set()).add(said)
    for one in recordings:
        announced = heard.get((one.id, None), set())
        # Each life has an end: one that was cancelled and tried again has two.
        if one.ended and len(announced) != 1 + one.life:
            yield f"{len(announced)} different announcements of {label_of(one.source)}"
    for upload in world.scenario.uploads:
        for number in range(upload.requests):
            name = f"{upload.name}-{number}"
            answers = [said for (_, request), said in heard.items() if request == name]
            if upload.name not in world.forgotten and any(
                not said.startswith("DONE") for one in answers for said in one
            ):
                yield f"request {name} is answered with {answers}"
            if len(answers) != 1 or len(answers[0]) != 1:
                yield f"{sum(map(len, answers))} different answers to request {name}"
    for name in world.refused:
        answers = [said for (_, request), said in heard.items() if request == name]
        if len(answers) != 1 or len(answers[0]) != 1 or not answers[0].copy().pop().startswith("FAILED"):
            yield f"the refused request {name} is answered with {answers}"


def webhooks(world: World, recordings: list[Recording]) -> Iterator[str]:
    """The address was told of every end and every answer, each under one id and always with the same bytes."""
    if not world.settings.webhook_url:
        return
    bodies: dict[str, set[bytes]] = {}
    for key, body in world.called:
        bodies.setdefault(key, set()).add(body)
    for key, several in bodies.items():
        if len(several) != 1:
            yield f"webhook {key} came with {len(several)} different bodies"
    data = [json.loads(min(several))["data"] for several in bodies.values()]
    ends = Counter(one["recording"] for one in data if one["request_id"] is None)
    answers = Counter(one["request_id"] for one in data)
    for one in recordings:
        if one.ended and ends[one.id] != 1 + one.life:
            yield f"{ends[one.id]} webhooks of the ends of {label_of(one.source)}"
    for name in {one.request_id for one in world.told if one.request_id is not None}:
        if answers[name] != 1:
            yield f"{answers[name]} webhooks of the answer to request {name}"
    stored = world.records.documents[documents.WEBHOOKS].items()
    yield from (
        f"webhook {key} is not noted as delivered"
        for key, fields in stored
        if json.loads(fields)["state"] != "delivered"
    )


def overwritten(world: World) -> Iterator[str]:
    """What is written once is never replaced: whoever comes later finds it there. Uploads are others' files."""
    deleted = world.store.deleted
    for (bucket, name), times in world.store.made.items():
        if bucket != "audio" and times - deleted[bucket, name] > 1:
            yield f"an object of {bucket}/{name.partition('/')[0]} was overwritten"


def results(world: World, recordings: list[Recording]) -> Iterator[str]:
    """The first result of a chunk stands: its document names the attempt that its object holds.

    Of one that somebody deleted, the next that is stored may be of another attempt, which was under way.
    """
    for one in recordings:
        for chunk in one.chunks:
            name = result_name(one.id, chunk.index)
            document = world.records.get(documents.CHUNKS, documents.chunk_key(one.id, chunk.index))
            data = world.store.load("work", name)
            if document is not None and data is not None and not world.store.deleted["work", name]:
                stored = decode(data, ChunkResult)
                if (stored.engine, stored.attempt) != (document["engine"], document["attempt"]):
                    yield f"chunk {chunk.index} of {label_of(one.source)} has another result than its document says"


def ledger(world: World, recordings: list[Recording]) -> Iterator[str]:
    """Each result has its row, and what the provider charges is in the rows."""
    rows = [from_fields(fields, LedgerRow) for _, fields in world.records.query(documents.LEDGER)]
    attempts = {(row.recording, row.chunk, row.engine, row.attempt): row for row in rows}
    for one in recordings:
        for chunk in one.chunks if one.state == "DONE" else ():
            used = world.records.get(documents.CHUNKS, documents.chunk_key(one.id, chunk.index)) or {}
            row = attempts.get((one.id, chunk.index, used.get("engine", ""), used.get("attempt", "")))
            if row is None or row.outcome != "heard":
                yield f"the result of chunk {chunk.index} of {label_of(one.source)} has no row"
    charged = Counter(tag for tag, _ in world.work.bill)
    written = Counter(
        documents.chunk_key(row.recording, row.chunk)
        for row in rows
        if is_hosted(row.engine) and row.billed_seconds
    )
    for tag in sorted(charged | written):
        if written[tag] < charged[tag]:
            yield f"{charged[tag]} calls for {tag} are charged, {written[tag]} are in the ledger"
        # A call whose end nobody knows counts as paid, because it may have been.
        hidden = sum(causes.hides_a_call(world, one, tag) for one in world.calls.faults)
        if written[tag] > charged[tag] + hidden:
            yield f"{charged[tag]} calls for {tag} are charged, {written[tag]} are in the ledger: too many"


def engines(world: World, recordings: list[Recording]) -> Iterator[str]:
    """No engine gave up a chunk that it was never asked about, unless it could not be loaded, or had nothing to read."""
    if world.scenario.gpu == "no weights" or world.calls.away:
        return
    by_id = {one.id: one for one in recordings}
    for _, fields in world.records.query(CLAIMS):
        claim = from_fields(fields, Claim)
        one = by_id[claim.recording]
        if (planned := one.chunk(claim.index)) is None:
            continue  # of a plan before another engine took over the whole
        windows = windows_of(label_of(one.source), *stretch(planned, one.source))
        for tried in claim.tried:
            names = {claim.key} if is_hosted(tried.engine) else windows
            if not any((tried.engine, name) in world.work.tried for name in names):
                yield f"{tried.engine} was never asked about chunk {claim.index} of {label_of(one.source)}"


OF_ITS_ENGINES = ("method", "parts", "warnings")
"""What `transcript.json` says of who transcribed, and why it was not the engine of the plan."""


def bytes_of(world: World, judged_by: Undisturbed) -> Iterator[str]:
    """Transcripts are those of the undisturbed history, to the byte; with other engines, all but their names is."""
    found, others = outputs_of(world), set(world.warned)
    others |= {
        label_of(one.source) for one in recordings_of(world) if world.calls.planned.get(one.id, (None,))[0]
    }
    for before, now in (
        (judged_by.engines, engines_of(world)),
        # A hand-over for another reason is told in a warning, also if the same engine has the chunk in the end.
        (judged_by.planned, planned_of(world)),
        (judged_by.tried, tried_of(world)),
    ):
        others |= {chunk[0] for chunk, engine in now.items() if before.get(chunk) != engine}
    for file, data in judged_by.outputs.items():
        now = found.get(file, data)
        if now != data and file.partition("/")[0] not in others:
            yield f"other bytes in {file}"
        elif _without_engines(file, now) != _without_engines(file, data):
            yield f"more than its engines differs in {file}"


def _without_engines(file: str, data: bytes) -> object:
    """A file of a transcript without what it says of who transcribed, and of what went wrong."""
    if file.endswith(".json"):
        return {name: value for name, value in json.loads(data).items() if name not in OF_ITS_ENGINES}
    if file.endswith(".vtt"):
        return [one for one in data.split(b"\n\n") if not one.startswith(b"NOTE ")]
    return data


PATIENCE, AFTER_FAULT, AFTER_CALL = 120.0, 130.0, 660.0
"""Seconds that a history may take longer than the undisturbed one: in any case, for each fault, and for each fault in
the function of a hosted engine. After a crash the lease of a message runs out (60 s), the next sweep comes within 60 s,
and a redelivery waits for its back-off; a slow call takes 100 s by itself. In a project a call of a hosted engine of
which nobody knows the end counts as under way until it must have ended (600 s), because it is paid for."""


AFTER_PUSH = 480.0
"""Seconds from a push of the sweeper that failed until the next one: it counts as one, and each waits for longer
(`shared/sweep/stuck.py`). Only what breaks a push does that, not whatever else the sweeper does."""

AFTER_AWAY = 900.0
"""Seconds until all goes on with a bucket that is there again: a back-off, or a sweep of those that are seldom then."""

AGAIN = 3
"""Calls of an engine of ours that a fault may destroy: as many as the chunks of a recording here."""


def in_time(world: World, judged_by: Undisturbed) -> Iterator[str]:
    """Everything ends soon after its last fault."""
    before = [one for one in world.calls.faults if one.time <= world.took]
    # On one machine the next delivery sees that the process of a call is gone.
    called = [one.name for one in hosted_specs(world.scenario.engines)]
    called = [*called, "everything"] if called and world.scenario.platform == "google" else []
    hosted = sum(one.point.startswith(tuple(called)) for one in before)
    pushed = sum(one.push for one in before)
    # Chunks that were in flight together when their worker died come again one by one.
    each = AFTER_FAULT + AGAIN * world.scenario.call_seconds
    # Which worker pulls which chunks is chance, and so is what it recognises together: nothing, at worst.
    alone = len(judged_by.engines) * world.scenario.call_seconds
    most = (
        max(judged_by.took, alone) + PATIENCE + each * len(before) + AFTER_CALL * hosted + AFTER_PUSH * pushed
    )
    most += sum(until - since + AFTER_AWAY for since, until in world.calls.away.values())
    if world.took > most:
        yield f"late: {world.took:.0f} s after {len(before)} faults, {most:.0f} s are enough"
