from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadMedia, BadRequest, ConfigurationError
from shared.flow import chunk, record, upload
from shared.messages import ChunkMessage, decode
from shared.model import Options
from shared.state import documents
from tests.world import heard


def chunks_of(deliveries):
    return [decode(one.data, ChunkMessage).chunk.index for one in deliveries]


def test_an_upload_is_planned_and_its_chunks_are_published(world):
    recording = upload.on_upload(world.upload(), world.ports)
    assert recording.state == "PLANNED"
    assert recording.decision.reason == "Parakeet on this CPU: no other engine is set up"
    assert chunks_of(world.pull("cpu-worker")) == [0, 1]


def test_the_log_counts_the_chunks_of_a_plan(world, caplog):
    caplog.set_level("INFO", logger="dropscribe")
    upload.on_upload(world.upload("two.wav"), world.ports)
    world.media.info = replace(world.media.info, duration=20.0)
    upload.on_upload(world.upload("one.wav"), world.ports)
    assert "planned two.wav: 2 chunks; " in caplog.text
    assert "planned one.wav: 1 chunk; " in caplog.text


def test_a_second_delivery_changes_nothing_publishes_nothing_and_does_not_probe_again(world):
    event = world.upload()
    upload.on_upload(event, world.ports)
    assert chunks_of(world.pull("cpu-worker")) == [0, 1]
    first = next(documents.recordings(world.ports.records))
    world.media.info = replace(world.media.info, duration=600.0)
    assert upload.on_upload(event, world.ports) == first
    assert world.pull("cpu-worker") == []
    assert world.media.probes == 1


def test_a_router_that_died_after_accepting_is_made_good_by_the_next_delivery(world):
    event = world.upload()
    source = world.ports.store.stat("audio", "talk.wav")
    assert upload.accept(source, Options(), world.ports).state == "ACCEPTED"
    assert upload.on_upload(event, world.ports).state == "PLANNED"
    assert chunks_of(world.pull("cpu-worker")) == [0, 1]


def test_of_two_plans_made_at_once_the_first_to_be_stored_is_the_plan(world):
    recording = upload.accept(stored(world), Options(), world.ports)
    first = upload.freeze_plan(recording, world.ports)
    assert first.by_us
    world.media.info = replace(world.media.info, duration=600.0)
    second = upload.freeze_plan(recording, world.ports)
    assert (second.record.chunks, second.by_us) == (first.record.chunks, False)


def test_bad_media_end_as_failed_with_the_reason_and_are_announced_once(world):
    world.media.error = BadMedia("no-audio", "There is no audio track in this video.")
    event = world.upload()
    for _ in range(2):
        recording = upload.on_upload(event, world.ports)
        assert (recording.state, recording.code) == ("FAILED", "no-audio")
        assert recording.reason == "There is no audio track in this video."
        assert recording.announced
    assert world.pull("cpu-worker") == []


def test_an_empty_file_fails_without_being_probed(world):
    recording = upload.on_upload(world.upload(data=b""), world.ports)
    assert (recording.state, recording.code) == ("FAILED", "empty")
    assert world.media.probes == 0


def test_a_folder_made_in_the_console_is_no_upload(world):
    assert upload.on_upload(world.upload("calls/2026/", b""), world.ports) is None
    assert upload.on_upload(world.upload("calls_$folder$", b""), world.ports) is None
    assert list(documents.recordings(world.ports.records)) == []
    # A name may end so; what holds bytes is an upload.
    assert upload.on_upload(world.upload("odd/", b"sound"), world.ports).state == "PLANNED"


PARTS = [
    "gcloud/tmp/parallel_composite_uploads/see_gcloud_storage_cp_help_for_details/2026-11-20.7f_0a1b_3",
    "/gsutil/tmp/parallel_composite_uploads/for_details_see/gsutil_help_cp/0a1b_3",
    "gcs-go-sdk-pu-tmp/0a1b/part-3",
    ".gcsfuse_tmp/0a1b",
    "calls/dGhlIGtleQ;dGhlIG9iamVjdA;0003.part",
]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_an_upload_is_not_paid_for_beside_the_whole(world, name):
    """What `gcloud storage cp` sends of a large mp3 can be played part by part."""
    event = world.upload() | {"name": name}
    assert upload.on_upload(event, world.ports) is None
    assert list(documents.recordings(world.ports.records)) == []
    whole = upload.on_upload(event | {"name": f"calls/{name.replace(';', '-')}.mp3"}, world.ports)
    assert whole.state == "PLANNED"


def test_options_come_with_the_upload(world):
    recording = upload.on_upload(
        world.upload(**{"dropscribe-track": "2", "dropscribe-language": "de"}), world.ports
    )
    assert (recording.options.track, recording.options.language) == (2, "de")


def test_wrong_options_fail_the_recording_and_name_the_option(world):
    recording = upload.on_upload(world.upload(**{"dropscribe-track": "two"}), world.ports)
    assert recording.state == "FAILED"
    assert "track must be a whole number from 0 to 999" in recording.reason


def test_a_malformed_event_is_refused(world):
    with pytest.raises(BadRequest, match="generation"):
        upload.on_upload({"bucket": "audio", "name": "x"}, world.ports)


@pytest.mark.parametrize("bucket", ["transcripts", "work"])
def test_outputs_never_become_uploads(world, bucket):
    with pytest.raises(BadRequest, match="is an output"):
        upload.on_upload(world.upload() | {"bucket": bucket}, world.ports)


def test_a_deployment_that_is_set_up_wrongly_fails_no_recording(world):
    world.media.error = ConfigurationError("the decoder does not start")
    event = world.upload()
    with pytest.raises(ConfigurationError):
        upload.on_upload(event, world.ports)
    world.media.error = None
    assert upload.on_upload(event, world.ports).state == "PLANNED"


def test_a_failed_recording_can_be_opened_again_and_a_done_one_cannot(world):
    world.media.error = BadMedia("limit", "Too slow.")
    event = world.upload()
    failed = upload.on_upload(event, world.ports)
    world.media.error = None
    upload.reopen(failed, world.ports)
    assert upload.on_upload(event, world.ports).state == "PLANNED"
    upload.reopen(failed, world.ports)
    assert documents.get_recording(world.ports.records, failed.id).state == "PLANNED"


def test_a_recording_opened_again_keeps_its_plan_and_the_chunks_that_are_done(world):
    event = world.upload()
    planned = upload.on_upload(event, world.ports)
    world.pull("cpu-worker")
    chunk.commit_result(*heard(planned, planned.chunks[0]), world.ports)
    record.fail(planned.id, BadMedia("limit", "Too slow."), world.ports)
    upload.reopen(planned, world.ports)
    world.media.info = replace(world.media.info, duration=600.0)
    again = upload.on_upload(event, world.ports)
    assert again.chunks == planned.chunks
    assert (again.state, again.reason, again.announced) == ("PLANNED", "", False)
    assert chunks_of(world.pull("cpu-worker")) == [1]


def stored(world):
    world.upload()
    return world.ports.store.stat("audio", "talk.wav")
