"""Files become objects, and their transcripts are asked for, once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from console.openai import intake
from console.openai.intake import Ask
from console.openai.multipart import Received
from console.openai.progress import Look, Progress
from console.results import Results
from shared.errors import OverLimit
from shared.flow import record, request, upload
from shared.model import Options, Recording, recording_id
from shared.state import answers, documents, uploads
from shared.topology import REQUESTS
from tests.contract import cloud_storage
from tests.world import World

SOUND = b"RIFF\0\0\0\0WAVEfmt "


def taken(world, data=SOUND, options=None, called="x"):
    received = Received(
        fields=(), file_name=called, sha256=hashlib.sha256(data).hexdigest(), size=len(data), head=data[:4096]
    )
    with world.ports.store.stage("audio") as file:
        file.write(data)
        return intake.take(received, file, options or Options(), world.ports)


def requested(world):
    """Let the router take what was asked for; how many requests there were."""
    pulled = world.pull(REQUESTS)
    for one in pulled:
        asked = request.request_from_json(one.data)
        found = request.remember(asked, world.ports)
        if found.record.answer is None:
            recording = request.go_on(found.record, world.ports, first=found.by_us)
            if recording.ended:
                answers.settle(asked.request_id, record.ending(recording, world.ports), world.ports)
        else:
            answers.settle(asked.request_id, found.record.answer, world.ports, again=True)
    return len(pulled)


def look(ask, world):
    return Progress(world.ports, Results()).look([ask])[ask]


def objects(world):
    return [one.name for one in world.ports.store.list("audio")]


def the_recording(world, key):
    return documents.get_recording(world.ports.records, key)


def test_an_object_is_named_after_its_bytes_and_its_container(world):
    taken(world)
    assert objects(world) == [f"openai/{hashlib.sha256(SOUND).hexdigest()}.wav"]


@pytest.mark.parametrize(
    ("called", "title"),
    [
        ("Ärger am Montag.wav", "Ärger am Montag.wav"),
        ("C:\\calls\\monday.wav", "monday.wav"),
        ("../../etc/passwd", "passwd"),
        ("a\u202e\nb.wav", "a\\u202e\\nb.wav"),
        ("x" * 1000, "x" * 255),
        ("", None),
    ],
)
def test_lists_call_it_by_the_name_of_the_file_that_was_sent_first(world, called, title):
    key = taken(world, called=called).recording
    requested(world)
    one = the_recording(world, key)
    assert one.options.title == title
    assert one.called == title or one.source.name
    assert taken(world, called="other.wav").recording == key
    assert the_recording(world, key).options.title == title


def test_the_same_bytes_again_are_the_same_recording(world):
    first = taken(world)
    assert taken(world).recording == first.recording
    assert requested(world) == 2
    # It is in progress: nothing more has to be asked.
    assert taken(world) == Ask(recording=first.recording)
    assert len(objects(world)) == len(list(documents.recordings(world.ports.records))) == 1


def test_the_event_of_an_upload_leads_to_the_recording_that_was_asked_for(world):
    """As in `up --language de`: what the watcher says of the file does not count."""
    ask = taken(world, options=Options(language="en"))
    (source,) = world.ports.store.list("audio")
    told = replace(source, metadata={"dropscribe-language": "de"})
    assert upload.on_object(told, world.ports).id == ask.recording
    assert requested(world) == 1
    assert [one.options for one in documents.recordings(world.ports.records)] == [
        Options(language="en", title="x")
    ]


def test_other_options_are_another_recording_of_the_same_object(world):
    first, second = taken(world), taken(world, options=Options(language="en"))
    assert requested(world) == 2
    assert first.recording != second.recording
    assert len(objects(world)) == 1
    assert {one.id for one in documents.recordings(world.ports.records)} == {
        first.recording,
        second.recording,
    }


def test_a_recording_that_failed_is_continued(world):
    ask = taken(world)
    requested(world)
    record.cancel(ask.recording, world.ports)
    again = taken(world)
    assert (again.recording, again.continues) == (ask.recording, 0)
    # The end before is no answer to it.
    assert look(again, world) == Look()
    requested(world)
    assert look(again, world).recording.life == 1


def test_what_was_deleted_is_transcribed_anew(world):
    ask = taken(world)
    requested(world)

    def deleted(stored):
        return replace(stored, state="DELETED")

    documents.change(documents.RECORDINGS, ask.recording, Recording, deleted, world.ports.records)
    again = taken(world)
    assert again.recording != ask.recording
    assert len(objects(world)) == 2
    assert objects(world)[0].replace("-2.wav", ".wav") == objects(world)[1] or "-2.wav" in "".join(
        objects(world)
    )


def test_a_file_of_that_name_with_other_content_is_left_alone(world):
    name = f"openai/{hashlib.sha256(SOUND).hexdigest()}.wav"
    world.ports.store.create("audio", name, b"edited", "audio/wav")
    ask = taken(world)
    (made,) = [one for one in world.ports.store.list("audio") if one.size == len(SOUND)]
    assert ask.recording == recording_id(made, Options())
    assert world.ports.store.load("audio", name) == b"edited"


def test_a_refused_request_is_an_answer(tmp_path):
    world = World(tmp_path, max_open_requests=1)
    try:
        taken(world, b"RIFF\0\0\0\0WAVEone")
        ask = taken(world, b"RIFF\0\0\0\0WAVEtwo")
        requested(world)
        found = look(ask, world)
        assert (found.recording, found.refusal.code) == (None, "quota")
    finally:
        world.close()


def test_a_new_object_needs_no_request_where_requests_may_not_name_its_bucket(tmp_path):
    world = World(tmp_path, request_buckets="calls")
    try:
        assert taken(world).request == ""
        assert requested(world) == 0
    finally:
        world.close()


def test_a_file_beyond_the_limit_of_the_deployment_is_not_stored(tmp_path):
    world = World(tmp_path, max_file_gb=1e-8)
    try:
        with pytest.raises(OverLimit) as caught:
            taken(world)
        assert caught.value.code == "too-large"
        assert objects(world) == []
    finally:
        world.close()


def test_options_are_fixed_before_anybody_sees_the_file(world, monkeypatch):
    seen = []

    def fix(source, records):
        seen.append((objects(world), source.metadata))
        return uploads.Upload(options=Options())

    monkeypatch.setattr(intake.uploads, "fix", fix)
    taken(world, options=Options(diarize=True))
    assert seen == [([], {"dropscribe-diarize": "True", "dropscribe-title": "x"})]


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"ID3\x04", ".mp3"),
        (b"\xff\xfb\x90\x00", ".mp3"),
        (b"\xff\xf1\x50\x80", ".aac"),
        (b"fLaC", ".flac"),
        (b"OggS", ".ogg"),
        (b"\x1a\x45\xdf\xa3....webm", ".webm"),
        (b"\x1a\x45\xdf\xa3....matroska", ".mkv"),
        (b"\0\0\0\x20ftypM4A ", ".m4a"),
        (b"\0\0\0\x20ftypisom", ".mp4"),
        (b"....\x57\x90\x75\x36", ""),
        (b"text", ""),
        (b"", ""),
    ],
)
def test_the_suffix_follows_from_the_bytes(head, suffix):
    received = Received(fields=(), file_name="evil.exe", sha256="ab", size=1, head=head)
    assert intake.object_name(received) == f"openai/ab{suffix}"
    assert intake.object_name(received, 2) == f"openai/ab-2{suffix}"


def test_in_cloud_storage_the_options_travel_with_the_object(world, gcs_address):
    """Nobody is told them ahead there: the object's event has them as its metadata."""
    prefix = cloud_storage.NAMES.create_prefix()
    endpoint = {"api_endpoint": f"http://{gcs_address}"}
    with storage.Client(cloud_storage.PROJECT, AnonymousCredentials(), client_options=endpoint) as client:
        client.create_bucket(f"{prefix}-audio")
    with cloud_storage.reopen(gcs_address, prefix) as store:
        project = SimpleNamespace(ports=replace(world.ports, store=store))
        ask = taken(project, options=Options(language="en", keyterms="Anna, Levin", diarize=True))
        assert world.ports.records.count(uploads.UPLOADS) == 0
        (source,) = store.list("audio")
        fixed = uploads.fix(source, world.ports.records).options
        assert upload.accept(source, fixed, project.ports).id == ask.recording
        assert taken(project, options=Options(language="de")).recording != ask.recording
        assert len(objects(project)) == 1
