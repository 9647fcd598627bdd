"""What two releases did, as the records and Cloud Run's metrics say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout.figures import Ended, Watch, summed
from deployment.rollout.judge import Figures
from deployment.rollout.state import Rollout, release_of
from shared.errors import EngineLimit, HandedOn
from shared.messages import to_fields
from shared.model import Chunk, Options, Recording, StoredObject
from shared.results import LedgerRow
from shared.state import documents, failure_log
from shared.state.failure_log import FAILURES
from tests.deployment.google import TARGET, Google
from tests.deployment.rollout.conftest import NEW, OLD

NOW = 1_800_000_000.0
ROLLOUT = Rollout(
    old=OLD,
    new=NEW,
    phase="shifting",
    began=NOW - 3600,
    since=NOW - 1800,
    old_revisions={"dropscribe-router": "router-1"},
    new_revisions={"dropscribe-router": "router-2"},
)
OURS, THEIRS = release_of(NEW.functions), release_of(OLD.functions)
WORKERS = release_of(NEW.gpu)


class Records:
    def __init__(self, world):
        self.world, self.google, self.count = world, Google(), 0
        world.clock.time = NOW

    def recording(self, release=OURS, ago=600.0, seconds=100.0, state="DONE"):
        self.count += 1
        key = f"recording-{self.count:03d}"
        finished = NOW - ago
        chunks = tuple(
            Chunk(index=one, start=60.0 * one, end=60.0 * one + 60, lead=0, tail=0, engine="parakeet-gpu")
            for one in range(2)
        )
        made = Recording(
            id=key,
            source=StoredObject(bucket="audio", name=key, generation=1, size=1),
            options=Options(),
            state=state,
            created=finished - seconds,
            finished=finished,
            chunks=chunks,
            release=release,
        )
        self.world.ports.records.create(documents.RECORDINGS, key, to_fields(made))
        return key

    def row(self, key, release=WORKERS, outcome="heard", ago=600.0, usd=0.01, chunk=0):
        time = NOW - ago
        row = LedgerRow(
            recording=key,
            chunk=chunk,
            engine="parakeet-gpu",
            attempt="1",
            audio_seconds=65.0,
            owned_seconds=60.0,
            busy_seconds=1.0,
            usd=usd,
            prices="x",
            outcome=outcome,
            time=time,
            minute=int(time // 60),
            release=release,
        )
        self.world.ports.records.create(documents.LEDGER, f"{key}.{chunk}", to_fields(row))

    def note(self, key, error, release=WORKERS, ago=600.0, chunk=0, where="parakeet-gpu"):
        time = NOW - ago
        note = failure_log.Failure(
            recording=key, chunk=chunk, request="", where=where, message="m", attempt=1,
            error=type(error).__name__, code=getattr(error, "code", ""), reason="x", time=time,
            minute=int(time // 60), release=release,
        )  # fmt: skip
        self.world.ports.records.create(FAILURES, f"{key}.{chunk}.{type(error).__name__}", to_fields(note))

    def look(self, rollout=ROLLOUT):
        return Watch(self.world.ports, TARGET.project, self.google.api()).look(rollout)


@pytest.fixture
def records(world):
    return Records(world)


def test_recordings_are_those_of_the_release_that_saw_or_transcribed_them(records):
    new = records.recording()
    records.row(new)
    by_workers = records.recording(release=THEIRS, seconds=50.0)
    records.row(by_workers)
    old = records.recording(release=THEIRS, ago=86400.0, seconds=30.0)
    records.row(old, release=release_of(OLD.gpu), usd=0.02)
    seen = records.look()
    assert seen.new == Figures(ended=2, p95=100.0, chunks=4, usd=0.02, audio=120.0)
    assert seen.old == Figures(ended=1, p95=30.0, chunks=2, usd=0.02, audio=60.0)


def test_only_this_step_counts_for_the_new_release_and_a_week_for_the_old_one(records):
    records.recording(ago=1900.0)
    records.recording(release=THEIRS, ago=3600 + 8 * 86400.0)
    records.recording(release="", ago=3600.0)
    seen = records.look()
    assert (seen.new.ended, seen.old.ended) == (0, 1)


def test_a_failure_counts_and_what_a_person_cancelled_does_not(records):
    records.recording(state="FAILED")
    records.recording(state="CANCELLED")
    seen = records.look()
    assert (seen.new.ended, seen.new.failed, seen.new.p95) == (1, 1, None)


def test_a_hand_over_is_that_of_the_release_whose_process_gave_the_chunk_away(records):
    key = records.recording()
    records.note(key, HandedOn("x"))
    records.note(key, HandedOn("x"), chunk=1, release=release_of(OLD.gpu))
    assert records.look().new.handed_on == 1


def test_the_last_minutes_count_attempts_and_their_failures_once(records):
    key = records.recording(state="PLANNED")
    records.row(key, ago=60.0)
    records.row(key, ago=60.0, chunk=1, outcome="failed")
    records.row(key, ago=60.0, chunk=2, outcome="open")
    records.row(key, ago=60.0, chunk=3, release=release_of(OLD.gpu), outcome="failed")
    records.row(key, ago=900.0, chunk=4, outcome="failed")
    records.note(key, EngineLimit("x"), ago=60.0, chunk=1)
    records.note(key, HandedOn("x"), ago=60.0, chunk=1)
    recent = records.look().recent
    assert (recent.attempts, recent.attempts_failed) == (2, 1)


def test_a_worker_that_makes_no_attempt_fails_by_its_notes(records):
    key = records.recording(state="PLANNED")
    for chunk in range(3):
        records.note(key, EngineLimit("x"), ago=60.0, chunk=chunk)
    recent = records.look().recent
    assert (recent.attempts, recent.attempts_failed) == (3, 3)


def test_requests_and_health_checks_are_those_of_the_new_revisions(records):
    series = records.google.series
    series["request_count", "router-2", "2xx"] = 30
    series["request_count", "router-2", "5xx"] = 4
    series["request_count", "router-1", "5xx"] = 2
    series["request_count", "router-1", "2xx"] = 198
    series["container/completed_probe_count", "router-2", "false"] = 3
    series["container/completed_probe_count", "router-2", "true"] = 9
    recent = records.look().recent
    assert (recent.requests, recent.requests_failed, recent.probes_failed) == (34, 4, 3)
    assert recent.requests_usual == 0.01


def test_a_failure_in_a_function_is_among_its_answers_and_counts_once(records):
    key = records.recording(state="PLANNED")
    records.note(key, EngineLimit("x"), ago=60.0, where="router")
    records.note(key, EngineLimit("x"), ago=60.0, where="deepgram", chunk=1)
    assert records.look().recent.attempts_failed == 0


def test_workers_with_a_lane_of_their_own_may_have_to_start(records):
    assert records.look().cold == 60.0
    alone = replace(ROLLOUT, new=replace(NEW, gpu=OLD.gpu))
    assert records.look(alone).cold == 0.0


def test_where_only_the_workers_are_new_no_request_counts(records):
    records.google.series["request_count", "router-1", "5xx"] = 99
    rollout = replace(ROLLOUT, new_revisions=ROLLOUT.old_revisions)
    recent = records.look(rollout).recent
    assert (recent.requests, recent.errors(1).what) == (0, "nothing failed")


def test_what_is_known_of_an_old_recording_is_read_once(records):
    key = records.recording(ago=900.0)
    watch = Watch(records.world.ports, TARGET.project, records.google.api())
    watch.look(ROLLOUT)
    records.row(key)
    assert watch.look(ROLLOUT).new.usd == 0.0
    late = records.recording(ago=60.0)
    watch.look(ROLLOUT)
    records.row(late)
    assert watch.look(ROLLOUT).new.usd == 0.01


def test_later_looks_read_few_recordings_and_miss_none(records, monkeypatch):
    for _ in range(60):
        records.recording(ago=900.0)
    asked, newest = [], records.world.ports.records.newest

    def noted(collection, by, limit, where=None):
        asked.append(limit)
        return newest(collection, by, limit, where)

    monkeypatch.setattr(records.world.ports.records, "newest", noted)
    watch = Watch(records.world.ports, TARGET.project, records.google.api())
    assert watch.look(ROLLOUT).new.ended == 60
    assert watch.look(ROLLOUT).new.ended == 60
    for _ in range(40):
        records.recording(ago=60.0)
    assert watch.look(ROLLOUT).new.ended == 100
    assert asked == [1000, 25, 25, 100]


def test_a_recording_that_is_tried_again_is_what_it_is_now(records):
    key = records.recording(state="FAILED", ago=60.0)
    watch = Watch(records.world.ports, TARGET.project, records.google.api())
    assert watch.look(ROLLOUT).new.failed == 1
    documents.change_recording(records.world.ports, key, lambda one: replace(one, state="DONE", life=1))
    seen = watch.look(ROLLOUT).new
    assert (seen.ended, seen.failed) == (1, 0)


def test_ninety_five_percent_are_the_nineteenth_of_twenty():
    def of(seconds):
        return Ended(
            finished=0, releases=frozenset(), failed=False, seconds=seconds, chunks=1, handed_on={}, usd=0, audio=0
        )  # fmt: skip

    assert summed([of(float(one)) for one in range(1, 21)], frozenset()).p95 == 19.0
    assert summed([of(7.0)], frozenset()).p95 == 7.0
    assert summed([], frozenset()).p95 is None
