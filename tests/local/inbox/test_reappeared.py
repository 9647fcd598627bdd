"""While its inbox is away a recording waits; a file that comes back after its recording failed has that go on, once."""

from __future__ import annotations

import base64
import os
import shutil
import time
from dataclasses import replace
from functools import partial

import pytest

from gpu_job.weights.catalogue import TINY
from local.backend import remembered
from local.backend.embedded_ports import open_ports
from local.inbox import reappeared
from local.runtime import subscriptions
from shared.errors import BadMedia, StoreUnavailable
from shared.flow import chunk, record, request, upload
from shared.messages import TRANSCRIBE_REQUESTS, ChunkDone, TranscribeRequest, request_to_json
from shared.recovery import dead_letter
from shared.settings import Settings
from shared.state import answers, documents, uploads
from shared.sweep import stuck
from shared.topology import topology
from tests.world import ScriptedMedia, SetClock, heard, replace_unnoticed


def started(tmp_path, inbox="inbox"):
    """The ports of an `up` that watches a folder."""
    folder, out = tmp_path / inbox, tmp_path / "out"
    ports = open_ports(Settings(state_dir=tmp_path / "state", model=TINY, inbox=folder, transcripts=out))
    remembered.remember_folders(ports.inbox, ports.out, ports.records)
    ports.store.expect(ports.settings.audio_bucket, remembered.mount(ports.records))
    return ports


@pytest.fixture
def ports(tmp_path):
    ports = started(tmp_path)
    yield ports
    ports.close()


@pytest.fixture
def recording(ports, tmp_path):
    (tmp_path / "inbox" / "talk.wav").write_bytes(b"RIFF of a talk")
    source = ports.store.stat("audio", "talk.wav")
    return upload.accept(source, uploads.fix(source, ports.records).options, ports)


def state(recording, ports):
    return documents.get_recording(ports.records, recording.id).state


def give_up(recording, ports):
    attributes = {"recording": recording.id, "CloudPubSubDeadLetterSourceSubscription": "router"}
    letter = {"messageId": "1", "data": base64.b64encode(b"{}").decode(), "attributes": attributes}
    dead_letter.on_dead_letter(letter, ports)


def requests(ports):
    """What is asked of the router; the request ids."""
    [one] = topology().of_topic(TRANSCRIBE_REQUESTS)
    return [delivery.attributes["request_id"] for delivery in ports.queue.pull(one.name, 9, 1e6)]


def fail(recording, ports):
    with pytest.raises(BadMedia) as caught:
        ports.store.read(recording.source, 0, 4)
    record.fail(recording.id, caught.value, ports)


def test_nothing_is_gone_while_the_inbox_is_away(ports, recording, tmp_path):
    inbox, away = tmp_path / "inbox", tmp_path / "away"
    inbox.rename(away)
    for look in (
        lambda: ports.store.read(recording.source, 0, 4),
        lambda: ports.store.stat("audio", "talk.wav"),
    ):
        with pytest.raises(StoreUnavailable, match=f"The inbox {inbox} is not there: put it back"):
            look()
    assert not inbox.exists()
    away.rename(inbox)
    assert ports.store.read(recording.source, 0, 4) == b"RIFF"


def test_other_processes_know_the_inbox_too(ports, recording, tmp_path):
    (tmp_path / "inbox").rename(tmp_path / "away")
    worker = open_ports(Settings(state_dir=tmp_path / "state", model=TINY))
    with pytest.raises(StoreUnavailable):
        worker.store.read(recording.source, 0, 4)
    worker.close()


def test_a_file_that_is_gone_from_an_inbox_that_is_there_is_gone(ports, recording, tmp_path):
    (tmp_path / "inbox" / "talk.wav").unlink()
    with pytest.raises(
        BadMedia, match=r"no longer exists\. Put it back\. `dropscribe up` then transcribes it\."
    ):
        ports.store.read(recording.source, 0, 4)
    assert ports.store.stat("audio", "talk.wav") is None


def test_what_is_in_progress_waits_while_up_watches_another_inbox(ports, recording, tmp_path):
    other = started(tmp_path, "other")
    with pytest.raises(StoreUnavailable, match=f"goes on with `dropscribe up --inbox {tmp_path / 'inbox'}`"):
        other.store.read(recording.source, 0, 4)
    other.close()
    again = started(tmp_path)
    assert again.store.read(recording.source, 0, 4) == b"RIFF"
    again.close()


def test_deliveries_that_run_out_end_nothing_while_the_inbox_is_away(ports, recording, tmp_path):
    (tmp_path / "inbox").rename(tmp_path / "away")
    give_up(recording, ports)
    assert state(recording, ports) == "ACCEPTED"
    (tmp_path / "away").rename(tmp_path / "inbox")
    give_up(recording, ports)
    assert state(recording, ports) == "FAILED"


def request_of(uri, **more):
    return TranscribeRequest(uri=uri, request_id="q", **more)


def give_up_request(request, ports):
    attributes = {"request_id": request.request_id, "CloudPubSubDeadLetterSourceSubscription": "requests"}
    data = base64.b64encode(request_to_json(request)).decode()
    dead_letter.on_dead_letter({"messageId": "2", "data": data, "attributes": attributes}, ports)


def test_a_request_whose_deliveries_run_out_comes_again_while_the_inbox_is_away(ports, recording, tmp_path):
    asked = request_of("gs://audio/talk.wav")
    (tmp_path / "inbox").rename(tmp_path / "away")
    give_up_request(asked, ports)
    assert requests(ports) == ["q"]
    assert answers.find("q", ports.records) is None
    (tmp_path / "away").rename(tmp_path / "inbox")
    give_up_request(asked, ports)
    assert answers.find("q", ports.records).refused


def test_so_does_one_that_was_looked_at_before(ports, recording, tmp_path):
    asked = request_of("gs://audio/talk.wav")
    request.remember(asked, ports)
    (tmp_path / "inbox").rename(tmp_path / "away")
    give_up_request(asked, ports)
    assert requests(ports) == ["q"]
    assert answers.find("q", ports.records).answer is None


def test_hours_in_which_the_inbox_is_away_are_no_hours_without_progress(ports, recording, tmp_path):
    clock = SetClock(time.time())
    swept = replace(ports, clock=clock)
    (tmp_path / "inbox").rename(tmp_path / "away")
    for _ in range(100):
        clock.time += 600.0
        assert stuck.push_stuck(swept) == 0
    assert state(recording, ports) == "ACCEPTED"
    (tmp_path / "away").rename(tmp_path / "inbox")
    clock.time += 600.0
    assert stuck.push_stuck(swept) == 1
    # It was read.
    assert documents.get_recording(ports.records, recording.id).code == "not-media"


def test_a_file_that_is_back_has_its_recording_go_on_once(ports, recording, tmp_path):
    path, away = tmp_path / "inbox" / "talk.wav", tmp_path / "talk.wav"
    path.rename(away)
    fail(recording, ports)
    away.rename(path)
    back = ports.store.stat("audio", "talk.wav")
    assert [reappeared.is_known(ports, back) for _ in range(2)] == [True, True]
    assert len(set(requests(ports))) == 1


def test_another_version_with_the_same_time_is_not_taken_for_the_first_without_a_word(
    ports, recording, tmp_path, caplog
):
    record.fail(recording.id, BadMedia("missing", "it was replaced"), ports)
    replace_unnoticed(tmp_path / "inbox" / "talk.wav", b"RIFF of another, longer talk")
    assert reappeared.is_known(ports, ports.store.stat("audio", "talk.wav"))
    assert requests(ports) == []
    assert "not transcribed: talk.wav has 28 bytes" in caplog.text
    assert "Give it a new time, e.g. with `touch`" in caplog.text


NAME = 'a "talk" {"generation": "1"} \N{GRINNING FACE}.wav'


def version(number, ports):
    """A version of a file of the inbox, whose words are its number."""
    path = ports.inbox / NAME
    path.write_bytes(b"sound")
    os.utime(path, (number, number))
    return ports.store.stat("audio", NAME)


def transcribe(number, ports):
    ports = replace(ports, media=ScriptedMedia(), engines=frozenset({"parakeet-cpu"}))
    recording = upload.on_object(version(number, ports), ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one, text=str(number)), ports)
    done = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), ports)
    subscriptions.hand_over(record.ending(done, ports), ports, ["transcript.srt"])


def look(ports, source):
    show = partial(subscriptions.show_again, ports=ports, beside=["transcript.srt"])
    return reappeared.is_known(ports, source, show_again=show)


def shown(ports):
    [captions] = ports.inbox.glob("*.srt")
    found = (ports.out / NAME / "transcript.txt").read_text().split()
    assert found[0] in captions.read_text().split()
    return set(found)


def test_the_transcript_of_a_version_that_is_put_back_is_shown_again(ports):
    for number in (1, 2):
        transcribe(number, ports)
        assert shown(ports) == {str(number)}
    assert look(ports, version(1, ports))
    assert shown(ports) == {"1"}
    assert look(ports, version(2, ports))
    assert shown(ports) == {"2"}


def test_what_a_person_took_away_or_changed_in_the_folder_of_transcripts_stays_so(ports):
    transcribe(1, ports)
    (ports.out / NAME / "transcript.txt").write_text("mine")
    assert look(ports, version(1, ports))
    assert (ports.out / NAME / "transcript.txt").read_text() == "mine"
    shutil.rmtree(ports.out / NAME)
    assert look(ports, version(1, ports))
    assert not (ports.out / NAME).exists()


def test_a_transcript_that_cannot_be_shown_again_is_told_of(ports, caplog):
    for number in (1, 2):
        transcribe(number, ports)
    shutil.rmtree(ports.settings.state_dir / "buckets" / "transcripts")
    assert look(ports, version(1, ports))
    assert "is that of another version: " in caplog.text


def test_what_failed_for_another_reason_stays_as_it_is(ports, recording):
    record.fail(recording.id, BadMedia("unreadable", "no sound in it"), ports)
    assert reappeared.is_known(ports, ports.store.stat("audio", "talk.wav"))
    assert requests(ports) == []
