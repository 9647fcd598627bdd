"""A document that nobody can read stops what it is about, and nothing else, in whichever collection it is."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from console.api import rows as page_rows
from functions.outcome import acknowledged
from functions.push import Push
from local.backend.sqlite.queue import SqliteQueue
from local.commands.operation import dead_letters as letters_command
from local.commands.views import details, overview
from shared.costs import report
from shared.costs.report import Question
from shared.errors import DropscribeError, EngineLimit, Permanent, Transient
from shared.flow import chunk, forget, record, request, retry, upload
from shared.flow.reading import revision
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode
from shared.recovery import dead_letter, fallback, replay
from shared.routing import flags, route
from shared.state import answers, audit, claims, dead_letters, documents, failure_log, ledger, pagination
from shared.sweep import sweep
from shared.topology import topology
from shared.webhooks import deliver
from tests.adapters.test_data_model import COLLECTIONS
from tests.world import IN_A_PROJECT, World, heard

ROLES = ("going", "done", "failed", "held")
"""The stages in which recordings are when a document is damaged; of each there is one that it is about, and another."""

SECRET = f"whsec_{base64.b64encode(bytes(24)).decode()}"

ASKED = frozenset(
    [
        "recording",
        "state",
        "announced",
        "answered",
        "published",
        "uri",
        "held",
        "is_held",
        "minute",
        "day",
        "outcome",
        "counts",
        "created",
        "finished",
        "time",
        "error",
        "where",
        "chunk",
        "request",
        "usd",
        "worker",
        "label",
        "taken_over",
        "trouble",
    ]
)
"""Fields by which documents are found."""

NAMED = frozenset({"state", "engine", "mode", "status", "phase", "outcome"})
"""Fields whose values a newer version may have more of."""


def nothing(_fields):
    return {}


def other_types(fields):
    return {key: ["nonsense"] for key in fields}


def found_all_the_same(fields):
    return {name: value if name in ASKED else ["nonsense"] for name, value in fields.items()}


def half(fields):
    """It is found, and has the second half of the fields that are left: the first ones are those that none may lack."""
    left = [name for name in fields if name not in ASKED]
    return {
        name: value for name, value in fields.items() if name in ASKED or name in left[-(len(left) // 2) :]
    }


DAMAGES = (nothing, other_types, found_all_the_same, half)
CASES = [
    pytest.param(collection, damage, marks=[pytest.mark.slow] * (number % len(DAMAGES) != turn))
    for number, collection in enumerate(sorted(COLLECTIONS))
    for turn, damage in enumerate(DAMAGES)
]
"""Every collection with every damage; `make test` has one damage for each collection."""


class Deployment:
    """A project with recordings in all stages, and everybody who works on it."""

    def __init__(self, folder):
        settings = IN_A_PROJECT | {"webhook_url": "https://example.org/x", "webhook_secret": SECRET}
        self.world = World(folder, **settings, chunk_minutes=0.5, budget_daily_usd=1.0)
        queue = SqliteQueue(self.world.database, self.world.clock, topology(webhooks=True))
        engines = frozenset({"parakeet-cpu", "deepgram"})
        self.world.ports = replace(self.world.ports, queue=queue, engines=engines)
        self.ports = self.world.ports
        self.told = []
        self.recordings = {name: self.begun(name) for role in ROLES for name in (role, f"other-{role}")}
        self.world.clock.time += 1
        self.sweep()
        for one in self.world.pull("webhooks"):
            self.on_ready(one.data, one.attributes)
        audit.note("retry", ["somebody"], self.ports)
        flags.change({"ROLLOUT_PERCENT": "100"}, self.ports)
        now = self.world.clock.time
        for step in range(-1, 3):
            start = {"time": now, "tasks": 1, "reason": "work"}
            self.ports.records.create("gpu_starts", f"{int(now // 60) + step:012d}.cpu", start)
        self.ports.records.create("budget_alerts", f"{ledger.day_of(now)}.50", {"told": False})

    def begun(self, name):
        ports, role = self.ports, name.rpartition("-")[2]
        if role == "held":
            ports = replace(
                ports, settings=replace(ports.settings, budget_daily_usd=0.00001, method="deepgram")
            )
        recording = upload.on_upload(self.world.upload(f"{name}.wav"), ports)
        if role == "held":
            assert documents.get_recording(ports.records, recording.id).held
            return recording
        self.ask(f"for-{name}", f"{name}.wav")
        failure_log.note(
            Permanent("trouble"),
            ports,
            where="router",
            message_id=name,
            attributes={"recording": recording.id},
        )
        dead_letters.keep(dead_letters.pushed(name, b"{}", {"recording": recording.id}), ports)
        messages = [decode(one.data, ChunkMessage) for one in self.world.pull("cpu-worker")]
        for number, message in enumerate(messages):
            if number and role != "done":
                fallback.hand_over(message, EngineLimit("x"), ports)
            else:
                self.transcribe(message)
        if role == "done":
            revision.create(
                recording.id, revision.Correction(based_on=0, author="me"), self.finished(recording)
            )
        if role == "failed":
            record.fail(recording.id, Permanent("no engine left"), ports)
        return recording

    def finished(self, recording):
        record.on_chunk_done(ChunkDone(recording=recording.id, index=0), self.ports)
        return self.ports

    def ask(self, request_id, name, **options):
        said = {"uri": f"gs://audio/{name}", "request_id": request_id, **options}
        request.on_request(dead_letters.pushed(request_id, json.dumps(said).encode(), {}), self.ports)

    def transcribe(self, message):
        """What an engine does with a chunk."""
        recording = chunk.recording_of(message, self.ports)
        if recording is not None:
            result, row = heard(recording, message.chunk, engine=message.chunk.engine)
            row = replace(row, engine=message.chunk.engine, attempt="1", life=recording.life)
            ledger.numbered(recording.id, message.chunk.index, message.chunk.engine, self.ports)
            chunk.commit_result(replace(result, attempt="1"), row, self.ports)

    def on_chunk(self, data, _attributes):
        message = decode(data, ChunkMessage)
        try:
            self.transcribe(message)
        except Permanent as error:
            fallback.give_up(message, error, self.ports)

    def on_dead_letter(self, data, attributes):
        dead_letter.on_dead_letter(dead_letters.pushed("dead", data, attributes), self.ports)

    def on_ready(self, data, attributes):
        self.told.append(decode(data, TranscriptReady))
        deliver.on_transcript(data, attributes, self.ports, lambda *_: 200)

    def sweep(self):
        with suppress(Transient):
            sweep.on_tick(self.ports)

    def work(self):
        """Deliver all that waits, as the functions do."""
        steps = {
            "requests": lambda data, _: request.on_request(dead_letters.pushed("r", data, {}), self.ports),
            "cpu-worker": self.on_chunk,
            "deepgram": self.on_chunk,
            "merger": lambda data, _: record.on_chunk_done(decode(data, ChunkDone), self.ports),
            "webhooks": self.on_ready,
            "dead-letters": self.on_dead_letter,
        }
        for subscription, step in steps.items():
            while got := self.ports.queue.pull(subscription, 100, 60.0):
                for one in got:
                    posted = Push(message_id=one.message_id, data=one.data, attributes=one.attributes)
                    try:
                        with acknowledged(posted, lambda: self.ports, subscription):
                            step(one.data, one.attributes)
                    except Transient as error:
                        self.ports.queue.nack(subscription, one.lease, str(error))
                    else:
                        self.ports.queue.ack(subscription, one.lease)

    def go_on(self, long=8):
        """For an hour in short steps, then in long ones, with all of them until the next day."""
        for seconds in (*[300.0] * 12, *[11_000.0] * long):
            self.world.clock.time += seconds
            self.sweep()
            self.work()

    def look(self):
        """Everything that people look at."""
        ports = self.ports
        report.as_json(report.make(Question(since=None, until=None, by=None, form="json"), ports), ports)
        overview.as_values(overview.look(overview.Wanted(), ports), ports)
        list(audit.entries(ports.records))
        known = route.known(ports)
        for letter in (*dead_letters.newest(ports.records, 50), *dead_letters.every(ports.records)):
            replay.obstacle(letter, ports)
            letters_command._as_json(letter, ports)
        for one in pagination.page(ports.records, pagination.Filter(), 50).recordings:
            page_rows.row(one, ports)
            details.values(one, ports)
            retry.left(one, known, ports)


@pytest.fixture
def deployment(tmp_path):
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.world.close()


def of_victims(deployment, collection):
    """The documents of a collection that are about no other recording."""
    others = {one.id for name, one in deployment.recordings.items() if name.startswith("other")}
    sources = [one.source for name, one in deployment.recordings.items() if name.startswith("other")]
    theirs = others | {answers.key_of(f"for-other-{role}") for role in ROLES}
    theirs |= {f"other-{role}" for role in ROLES} | {sweep.uploads.key_of(one) for one in sources}
    return {
        key: fields
        for key, fields in deployment.ports.records.query(collection)
        if not any(one in f"{key} {fields.get('recording')} {fields.get('message')}" for one in theirs)
    }


def stored(deployment, name):
    return documents.get_recording(deployment.ports.records, deployment.recordings[name].id)


def retried(deployment):
    for name in ("failed", "other-failed"):
        with suppress(DropscribeError):
            retry.ask(stored(deployment, name), deployment.ports)


def check_done(deployment, name):
    """It has its one transcript, which was told once, and nothing was paid twice."""
    records, one = deployment.ports.records, stored(deployment, name)
    assert (one.state, one.announced) == ("DONE", True), (name, one)
    ends = [told for told in deployment.told if told.recording == one.id and told.request_id is None]
    assert len(ends) == 1 + name.endswith("failed"), name
    if not name.endswith(("held", "new")):
        assert answers.find(f"for-{name}", records).answered
    rows = documents.every(documents.LEDGER, ledger.LedgerRow, records, {"recording": one.id})
    assert sorted(row.chunk for _, row in rows) == [0, 1], name
    claimed = documents.every(claims.CLAIMS, claims.Claim, records, {"recording": one.id})
    assert all(claim.published for _, claim in claimed), name


def newer(fields):
    return {
        name: "of a newer version" if name in NAMED and value else value for name, value in fields.items()
    }


NEWER = sorted(
    {"recordings", "claims", "ledger", "commitments", "webhooks", "state"}
)  # those whose documents have such fields


@pytest.mark.parametrize("collection", NEWER)
def test_what_only_a_newer_version_can_read_waits_for_it_and_stops_nothing_else(deployment, collection):
    records, before = deployment.ports.records, {}
    for key, fields in of_victims(deployment, collection).items():
        if newer(fields) != fields and fields.get("kind") != "execution":
            before[key] = {name: fields[name] for name in NAMED & fields.keys()}
            records.update(collection, key, newer)
    assert before
    retried(deployment)
    deployment.go_on(long=0)
    if collection != "state":  # nobody goes on without the budgets
        check_done(deployment, "other-going")
        check_done(deployment, "other-failed")
    for key, values in before.items():
        records.update(collection, key, lambda fields, values=values: fields | values)
    retried(deployment)
    deployment.go_on()
    for name in deployment.recordings:
        check_done(deployment, name)


@pytest.mark.parametrize(("collection", "damage"), CASES)
def test_a_damaged_document_stops_what_it_is_about_and_nothing_else(deployment, collection, damage, caplog):
    ports, records = deployment.ports, deployment.ports.records
    found = of_victims(deployment, collection)
    assert found
    for key, fields in found.items():
        records.update(collection, key, lambda _, fields=fields: damage(fields))
        records.create(collection, f"{key}z", damage(fields))
    deployment.look()
    retried(deployment)
    new = upload.on_upload(deployment.world.upload("new.wav"), ports)
    deployment.ask("for-new", "new.wav")
    deployment.go_on()
    deployment.look()

    deployment.recordings["other-new"] = new
    for name in deployment.recordings:
        if name.startswith("other"):
            check_done(deployment, name)
    # What it is about has ended with a reason, or cannot, because it is what the log names.
    logged = caplog.text
    if collection == "recordings":
        unreadable = [key for key in found if documents.glance(records, key) is None]
        assert all(f"{collection}/{key}" in logged for key in unreadable)
    for role in ROLES:
        one = documents.glance(records, deployment.recordings[role].id)
        assert (one is None and collection == "recordings") or one.state in {"DONE", "FAILED"}, (role, one)
        if one is not None and one.state == "FAILED":
            assert "cannot be read" in one.reason or one.reason == "no engine left", one.reason
    for role in ROLES[:-1] if collection == "recordings" else ():
        assert answers.find(f"for-{role}", records).answered
    for name, one in deployment.recordings.items():
        if name.startswith("other") or collection == "recordings":
            assert forget.forget(one.id, ports).state == "DELETED"
