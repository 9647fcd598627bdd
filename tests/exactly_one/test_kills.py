"""Workers are killed at random moments: every healthy recording is transcribed, each once beyond what was destroyed."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import accumulate

import pytest

from gpu_job.pipeline.chunk_job import next_group, prepare
from shared.costs import attempt_rows
from shared.errors import EngineLimit
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.recovery import fallback, poison
from shared.state import documents, ledger
from tests.world import World, heard, ledger_rows

FILES, KILLS, HELD = 40, 24, 8
START, CALL, LEASE = 3.0, 2.0, 60.0
"""Seconds that a worker takes to start, that its engine takes for a chunk, and until another gets its messages."""


class Killed(BaseException):
    """The worker is gone: what it has in hand comes again when its leases have run out."""


class Workers:
    """One worker after the other, as the pipeline does it: alone what comes again, the rest in batches."""

    def __init__(self, world, kills, *, killer=""):
        self.world, self.kills, self.killer = world, sorted(kills), killer
        self.deaths = 0

    def run(self):
        """Until nothing is left; the moments of the kills are seconds in which a worker lives."""
        lived = 0.0
        while self.world.ports.queue.pending("cpu-worker"):
            try:
                lived = self.live(lived)
            except Killed:
                self.deaths += 1
                lived = self.kills.pop(0) if self.kills and self.kills[0] >= lived else lived
                self.world.clock.time += LEASE + 1

    def live(self, lived):
        waiting = []
        lived = self.passes(lived, START)
        while True:
            waiting += self.pulled(HELD - len(waiting))
            group = next_group(waiting, HELD)
            if not group:
                return lived
            if group[0].isolated:
                group[0].row = poison.begin(self.row(group[0], "open"), self.world.ports)
                group[0].attempt = group[0].row.attempt
            if any(job.message.source.name == self.killer for job in group):
                raise Killed
            lived = self.passes(lived, CALL * len(group))
            for job in group:
                waiting.remove(job)
                self.keep(job)

    def passes(self, lived, seconds):
        if self.kills and self.kills[0] < lived + seconds:
            raise Killed
        self.world.clock.time += seconds
        return lived + seconds

    def pulled(self, count):
        jobs, ports = [], self.world.ports
        for delivery in ports.queue.pull("cpu-worker", count, LEASE) if count else []:
            message = decode(delivery.data, ChunkMessage)
            if chunk.is_wanted(message, ports):
                try:
                    jobs.append(prepare(delivery, message, ports, share=1 / HELD))
                    continue
                except EngineLimit as error:
                    fallback.give_up(message, error, ports)
            ports.queue.ack("cpu-worker", delivery.lease)
        return jobs

    def row(self, job, outcome):
        return attempt_rows.worker_row(
            job.message, self.world.ports, engine="parakeet-cpu", attempt=job.attempt, busy_seconds=CALL, decoded=30.0,
            outcome=outcome,
        )  # fmt: skip

    def keep(self, job):
        recording = documents.get_recording(self.world.ports.records, job.message.recording)
        result, _ = heard(recording, job.message.chunk, attempt=job.attempt)
        chunk.commit_result(result, self.row(job, "heard"), self.world.ports)
        self.world.ports.queue.ack("cpu-worker", job.delivery.lease)
        record.on_chunk_done(ChunkDone(recording=recording.id, index=0), self.world.ports)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny", api_keys={"deepgram": "key"})
    world.media.info = replace(world.media.info, duration=30.0)
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    for number in range(FILES):
        upload.on_upload(world.upload(f"{number}.wav"), world.ports)
    yield world
    world.close()


def recordings(world):
    return {one.source.name: one for one in documents.recordings(world.ports.records)}


@pytest.mark.parametrize("seed", range(5))
def test_24_kills_end_no_healthy_recording_and_hand_none_to_a_paid_engine(world, seed):
    chance = random.Random(seed)
    # A worker lives as long as it takes to start and to transcribe one recording.
    moments = accumulate(chance.expovariate(1 / (START + CALL)) for _ in range(KILLS))
    workers = Workers(world, moments)
    workers.run()
    assert workers.deaths == KILLS
    assert {one.state for one in recordings(world).values()} == {"DONE"}
    assert world.ports.queue.pending("deepgram") == 0
    found = [row.outcome for row in ledger_rows(world.ports)]
    assert found.count("heard") == FILES
    assert found.count("open") + FILES == len(found) <= FILES + KILLS


def test_a_killer_is_run_three_times_and_takes_no_neighbour_along(world):
    workers = Workers(world, [], killer="0.wav")
    workers.run()
    assert workers.deaths == 3, "once among others, and twice alone"
    ended = recordings(world)
    assert [name for name, one in ended.items() if one.state != "DONE"] == ["0.wav"]
    assert world.ports.queue.pending("deepgram") == 1
    assert (
        sum(
            ledger.as_of(row, world.clock.now() + 3600.0).outcome == "lost"
            for row in ledger_rows(world.ports)
        )
        == 2
    )
