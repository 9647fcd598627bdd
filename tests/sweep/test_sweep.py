from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from shared.errors import BadMedia, StoreUnavailable, Transient
from shared.flow import chunk, record, request, upload
from shared.messages import ChunkDone, TranscribeRequest, request_to_json
from shared.model import Options, recording_id
from shared.state import answers, dead_letters, documents
from shared.sweep import sweep
from tests.flow.test_capacity import ScriptedJobs
from tests.world import World, heard

NOTHING = {
    "lost_events": 0, "stuck": 0, "handed_over": 0, "merged": 0, "announced": 0, "answered": 0, "tasks_started": 0, "tasks_accounted": 0, "released": 0,
    "erased": 0, "too_old": 0, "aged_out": 0,
}  # fmt: skip


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """A world whose bucket nobody watches; objects are as old as the clock says."""
    world = World(
        tmp_path, chunk_minutes=0.5, platform="google", project="some-project",
        audio_bucket="audio", transcripts_bucket="transcripts", work_bucket="work",
    )  # fmt: skip
    aged = {}
    listing = world.ports.store.list

    def listed(bucket, prefix=""):
        for one in listing(bucket, prefix):
            yield replace(one, **aged.setdefault(one.name, {"generation": int(world.clock.time * 1e6)}))

    def upload_now(name, **metadata):
        world.upload(name)
        aged[name] = {"generation": int(world.clock.time * 1e6), "metadata": metadata}

    monkeypatch.setattr(world.ports.store, "list", listed)
    world.upload_now = upload_now
    yield world
    world.close()


def tick(world, minutes=1):
    report = dict.fromkeys(NOTHING, 0)
    for _ in range(minutes):
        world.clock.time += 60
        for name, count in sweep.on_tick(world.ports).items():
            report[name] += count
    return report


def names(world):
    return sorted(one.source.name for one in documents.recordings(world.ports.records))


def test_with_nothing_to_do_it_does_nothing(cloud):
    assert tick(cloud, 30) == NOTHING


def test_an_object_whose_event_was_lost_takes_the_way_of_an_upload(cloud):
    tick(cloud)
    cloud.upload_now("talk.wav", **{"dropscribe-language": "de"})
    assert tick(cloud, 4) == NOTHING | {"lost_events": 1}
    (recording,) = documents.recordings(cloud.ports.records)
    assert (recording.state, recording.options.language) == ("PLANNED", "de")
    assert len(cloud.pull("cpu-worker")) == 2


def test_what_lay_in_the_bucket_before_the_first_sweep_is_left_alone(cloud):
    cloud.upload_now("old.wav")
    cloud.clock.time += 86_400
    assert tick(cloud, 60) == NOTHING


def test_neither_a_folder_nor_a_part_of_an_upload_is_a_lost_upload(cloud):
    tick(cloud)
    cloud.ports.store.create("audio", "calls/", b"", "text/plain")
    cloud.upload_now("gcloud/tmp/parallel_composite_uploads/see_gcloud_storage_cp_help_for_details/x_0")
    assert tick(cloud, 20) == NOTHING


def test_a_young_object_is_left_to_its_event(cloud):
    tick(cloud, 10)
    cloud.upload_now("young.wav")
    assert tick(cloud, 2)["lost_events"] == 0
    assert names(cloud) == []


def test_an_object_with_its_recording_is_left_alone(cloud):
    tick(cloud)
    cloud.upload_now("talk.wav")
    (source,) = cloud.ports.store.list("audio")
    upload.on_object(source, cloud.ports)
    assert tick(cloud, 30)["lost_events"] == 0


def test_after_an_outage_all_lost_objects_are_found_some_at_a_time(cloud, monkeypatch):
    monkeypatch.setattr(sweep, "SECONDS", 10.0)
    monkeypatch.setattr(sweep.concurrency, "monotonic", itertools.count().__next__)
    tick(cloud)
    for number in range(35):
        cloud.clock.time += 60
        cloud.upload_now(f"{number:02}.wav")
    cloud.clock.time += 600
    assert tick(cloud)["lost_events"] == 10
    assert names(cloud) == [f"{number:02}.wav" for number in range(10)]
    tick(cloud, 20)
    assert len(names(cloud)) == 35


def test_many_objects_with_recordings_do_not_hide_a_lost_one(cloud, monkeypatch):
    monkeypatch.setattr(sweep, "LOOKS", 10)
    tick(cloud)
    for number in range(35):
        cloud.upload_now(f"{number:02}.wav")
    for source in list(cloud.ports.store.list("audio"))[:-1]:
        upload.on_object(source, cloud.ports)
    assert tick(cloud, 30)["lost_events"] == 1


def test_objects_of_one_moment_do_not_stop_the_search(cloud, monkeypatch):
    monkeypatch.setattr(sweep, "SECONDS", 10.0)
    monkeypatch.setattr(sweep.concurrency, "monotonic", itertools.count().__next__)
    tick(cloud)
    for number in range(35):
        cloud.upload_now(f"{number:02}.wav")
    tick(cloud, 120)
    assert len(names(cloud)) == 35


def test_an_object_that_cannot_be_taken_now_is_taken_later_and_hides_none_behind_it(cloud, monkeypatch):
    tick(cloud)
    for name in ("a.wav", "b.wav"):
        cloud.upload_now(name)
    cloud.media.error = StoreUnavailable("not now")
    assert tick(cloud, 4)["lost_events"] == 2
    cloud.media.error = None
    tick(cloud, 9)
    assert [one.state for one in documents.recordings(cloud.ports.records)] == ["PLANNED"] * 2


def test_an_object_that_cannot_even_be_accepted_is_looked_at_again(cloud, monkeypatch):
    tick(cloud)
    cloud.upload_now("talk.wav")
    accept = upload.accept

    def unavailable(*_):
        raise StoreUnavailable("not now")

    monkeypatch.setattr(upload, "accept", unavailable)
    with pytest.raises(Transient, match="lost_events: not now"):
        tick(cloud, 4)
    monkeypatch.setattr(upload, "accept", accept)
    assert tick(cloud)["lost_events"] == 1


def test_on_one_machine_the_inbox_is_left_to_its_watcher(world):
    tick(world)
    world.upload()
    assert tick(world, 30) == NOTHING


def finished(world, name="talk.wav"):
    recording = upload.on_upload(world.upload(name), world.ports)
    world.pull("cpu-worker")
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def test_ends_that_nobody_was_told_of_are_announced(world):
    done = finished(world)
    world.media.error = BadMedia("no-audio", "There is no audio.")
    failed = upload.on_upload(world.upload("b.wav"), world.ports)
    for one in (done, failed):
        documents.change_recording(world.ports, one.id, lambda stored: replace(stored, announced=False))
    world.clock.time -= 1
    assert tick(world)["announced"] == 0
    assert tick(world)["announced"] == 2
    assert all(one.announced for one in documents.recordings(world.ports.records))
    assert tick(world, 5) == NOTHING


def asked(world, request_id="r-1", **fields):
    source = world.ports.store.stat("audio", "talk.wav")
    request = TranscribeRequest(uri="gs://audio/talk.wav", request_id=request_id)
    key = recording_id(source, Options())
    one = answers.Asked(request=request, created=world.clock.time, recording=key, source=source, **fields)
    answers.create(one, world.ports)


def test_a_request_whose_recording_has_ended_is_answered(world):
    done = finished(world)
    asked(world)
    world.clock.time -= 1
    assert tick(world)["answered"] == 0
    assert tick(world, 2)["answered"] == 1
    found = answers.find("r-1", world.ports.records)
    assert found.answered
    assert found.answer.recording == done.id
    assert tick(world, 5) == NOTHING


def test_a_request_whose_recording_goes_on_waits(world):
    upload.on_upload(world.upload(), world.ports)
    asked(world)
    assert tick(world, 5)["answered"] == 0


def test_a_request_that_tries_an_end_again_is_carried_out_and_not_answered_with_that_end(world):
    """Its first delivery stored it, and failed before it opened the recording again."""
    recording = upload.on_upload(world.upload(), world.ports)
    record.cancel(recording.id, world.ports)
    asked(world, continues=recording.life)
    assert tick(world, 3)["answered"] == 0
    assert answers.find("r-1", world.ports.records).answer is None
    again = documents.get_recording(world.ports.records, recording.id)
    assert (again.state, again.life) == ("PLANNED", recording.life + 1)


def test_a_request_whose_recording_cannot_be_read_is_answered_once_with_that_and_looked_at_again_if_it_comes_again(
    world,
):
    recording, records = finished(world), world.ports.records
    stored = records.get("recordings", recording.id)
    asked(world)
    records.update("recordings", recording.id, lambda fields: fields | {"source": "x"})
    assert [tick(world, 3)["answered"], tick(world, 3)["answered"]] == [1, 0]
    found = answers.find("r-1", records)
    assert (found.answered, found.answer.state, found.answer.code) == (True, "FAILED", "Damaged")
    assert f"`dropscribe forget {recording.id}`" in found.answer.reason
    again = dead_letters.pushed("2", request_to_json(found.request), {})
    request.on_request(again, world.ports)
    assert answers.find("r-1", records).answer.code == "Damaged"
    records.update("recordings", recording.id, lambda _: stored)
    request.on_request(again, world.ports)
    assert answers.find("r-1", records).answer.state == "DONE"


def test_an_answer_that_was_stored_and_not_sent_is_sent(world):
    world.upload()
    request = TranscribeRequest(uri="gs://audio/talk.wav", request_id="r-1")
    stored = answers.failure(request, StoreUnavailable("gone"))
    asked(world, answer=stored)
    assert tick(world, 3)["answered"] == 1
    assert answers.find("r-1", world.ports.records).answer == stored


def test_workers_are_started_for_a_backlog_where_none_run(world):
    upload.on_upload(world.upload(), world.ports)
    jobs = ScriptedJobs()
    ports = replace(world.ports, gpu_jobs=jobs)
    assert sweep.on_tick(ports)["tasks_started"] == 1
    assert sweep.on_tick(ports)["tasks_started"] == 0
    assert jobs.started == [1]


def test_a_start_that_failed_is_tried_again_a_minute_later(world):
    upload.on_upload(world.upload(), world.ports)
    jobs = ScriptedJobs(start_status="quota")
    ports = replace(world.ports, gpu_jobs=jobs)
    assert sweep.on_tick(ports)["tasks_started"] == 0
    jobs.start_status = "ready"
    world.clock.time += 60
    assert sweep.on_tick(ports)["tasks_started"] == 1


def test_no_workers_are_started_for_what_is_done(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    jobs = ScriptedJobs()
    assert sweep.on_tick(replace(world.ports, gpu_jobs=jobs))["tasks_started"] == 0


def test_a_part_that_fails_does_not_keep_the_others_from_their_work(world, monkeypatch):
    done = finished(world)
    documents.change_recording(world.ports, done.id, lambda stored: replace(stored, announced=False))
    world.clock.time += 600

    def unavailable(*_):
        raise StoreUnavailable("not now")

    monkeypatch.setattr(sweep, "push_stuck", unavailable)
    with pytest.raises(Transient, match="stuck: not now"):
        sweep.on_tick(world.ports)
    assert documents.get_recording(world.ports.records, done.id).announced


def test_a_tick_delivered_twice_does_nothing_twice(world):
    done = finished(world)
    documents.change_recording(world.ports, done.id, lambda stored: replace(stored, announced=False))
    world.clock.time += 600
    assert sweep.on_tick(world.ports)["announced"] == 1
    assert sweep.on_tick(world.ports) == NOTHING
