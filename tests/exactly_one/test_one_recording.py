"""One upload, one recording: whatever its metadata say later, and whichever event comes first."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local.backend.embedded_ports import open_ports
from local.inbox import reappeared
from local.inbox.watcher import Inbox
from local.runtime import submission
from local.runtime.submission import InputFile
from shared.errors import UnderWay
from shared.flow import record, request, upload
from shared.messages import object_from_event
from shared.model import Options
from shared.settings import Settings
from shared.state import documents, uploads
from shared.sweep import sweep
from tests.world import IN_A_PROJECT, World

ENGLISH, GERMAN = {"dropscribe-language": "en"}, {"dropscribe-language": "de"}
WRONG = {"dropscribe-track": "two"}


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def recordings(world):
    return list(documents.recordings(world.ports.records))


def ask(world, request_id="r", **options):
    asked = {"uri": "gs://audio/talk.wav", "request_id": request_id} | options
    request.on_request(
        {"messageId": "1", "data": b64encode(json.dumps(asked).encode()).decode()}, world.ports
    )


class Relabelled:
    """Cloud Storage after `objects update --custom-metadata`: the same generations with other metadata."""

    def __init__(self, store, metadata):
        self._store, self._metadata = store, metadata

    def __getattr__(self, name):
        return getattr(self._store, name)

    def stat(self, bucket, name):
        return replace(self._store.stat(bucket, name), metadata=self._metadata)

    def list(self, bucket, prefix=""):
        for one in self._store.list(bucket, prefix):
            yield replace(one, metadata=self._metadata)


def relabel(world, metadata):
    world.ports = replace(world.ports, store=Relabelled(world.ports.store, metadata))


@pytest.mark.parametrize("later", [GERMAN, WRONG, {}])
def test_the_first_event_of_an_upload_fixes_its_options(world, later):
    event = world.upload()
    first = upload.on_upload(event | {"metadata": ENGLISH}, world.ports)
    again = upload.on_upload(event | {"metadata": later}, world.ports)
    assert (again.id, again.options.language) == (first.id, "en")
    assert recordings(world) == [again]


def test_an_upload_whose_metadata_were_wrong_stays_failed_when_they_are_corrected(world):
    event = world.upload()
    first = upload.on_upload(event | {"metadata": WRONG}, world.ports)
    assert (first.state, first.code, first.announced) == ("FAILED", "BadRequest", True)
    assert upload.on_upload(event | {"metadata": GERMAN}, world.ports) == first
    assert recordings(world) == [first]


def test_a_router_that_died_between_the_failure_of_an_upload_and_its_announcement_announces_it(
    world, monkeypatch
):
    event = world.upload() | {"metadata": WRONG}

    def die(*_):
        raise InterruptedError

    announce = record.announce
    monkeypatch.setattr(record, "announce", die)
    with pytest.raises(InterruptedError):
        upload.on_upload(event, world.ports)
    # There is no moment in which it could be taken for one with the default options.
    assert [one.state for one in recordings(world)] == ["FAILED"]
    monkeypatch.setattr(record, "announce", announce)
    assert upload.on_upload(event, world.ports).announced


def test_of_events_at_once_one_fixes_the_options(world):
    event, barrier, came = world.upload(), threading.Barrier(8), []

    def come(number):
        barrier.wait()
        try:
            came.append(
                upload.on_upload(event | {"metadata": {"dropscribe-track": str(number)}}, world.ports)
            )
        except UnderWay as error:
            # One publishes the plan; the others are told to come again if it has not done so yet.
            came.append(error)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(came) == 8
    assert len(recordings(world)) == 1
    assert any(not isinstance(one, UnderWay) for one in came)


def test_a_router_that_died_before_the_recording_leaves_the_options_to_the_next_event(world):
    event = world.upload()
    assert uploads.fix(object_from_event(event | {"metadata": ENGLISH}), world.ports.records).problem == ""
    assert upload.on_upload(event | {"metadata": GERMAN}, world.ports).options.language == "en"


@pytest.mark.parametrize("later", [GERMAN, WRONG])
def test_an_object_with_edited_metadata_is_no_lost_event(tmp_path, later):
    world = World(tmp_path, **IN_A_PROJECT)
    now = [time.time() - 3600.0]
    world.clock.now = lambda: now[0]
    sweep.take_lost(world.ports)
    first = upload.on_upload(world.upload(), world.ports)
    relabel(world, later)
    now[0] = time.time() + 3600.0
    assert sweep.take_lost(world.ports) == 0
    assert [one.id for one in recordings(world)] == [first.id]
    world.close()


def test_an_object_with_edited_metadata_that_an_older_version_has_recorded_is_no_lost_event(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    now = [time.time() - 3600.0]
    world.clock.now = lambda: now[0]
    sweep.take_lost(world.ports)
    event = world.upload() | {"metadata": ENGLISH}
    world.upload("lost.wav")
    now[0] = time.time() + 10.0
    # Older versions stored the recording alone.
    old = upload.accept(object_from_event(event), Options(language="en"), world.ports)
    relabel(world, GERMAN)
    now[0] = time.time() + 3600.0
    assert sweep.take_lost(world.ports) == 1
    assert {one.source.name for one in recordings(world)} == {"talk.wav", "lost.wav"}
    assert uploads.recording_of(world.ports.store.stat("audio", "talk.wav"), world.ports.records).id == old.id
    assert len(recordings(world)) == 2
    world.close()


def test_an_object_that_was_asked_for_with_other_options_may_have_lost_its_event(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    now = [time.time() - 3600.0]
    world.clock.now = lambda: now[0]
    sweep.take_lost(world.ports)
    world.upload()
    now[0] = time.time() + 10.0
    ask(world, options={"language": "de"})
    now[0] = time.time() + 3600.0
    assert sweep.take_lost(world.ports) == 1
    assert sorted(one.options.language or "" for one in recordings(world)) == ["", "de"]
    world.close()


def test_a_lost_event_of_an_upload_whose_options_are_fixed_is_taken_with_these(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    now = [time.time() - 3600.0]
    world.clock.now = lambda: now[0]
    sweep.take_lost(world.ports)
    uploads.fix(object_from_event(world.upload() | {"metadata": ENGLISH}), world.ports.records)
    relabel(world, GERMAN)
    now[0] = time.time() + 3600.0
    assert sweep.take_lost(world.ports) == 1
    assert [one.options.language for one in recordings(world)] == ["en"]
    world.close()


def test_a_recording_of_an_older_version_is_adopted(world):
    event = world.upload() | {"metadata": ENGLISH}
    source = object_from_event(event)
    # Older versions stored the recording alone.
    old = upload.accept(source, Options(language="en"), world.ports)
    assert upload.on_upload(event, world.ports).id == old.id
    assert uploads.recording_of(source, world.ports.records).id == old.id
    assert len(recordings(world)) == 1


def test_an_explicit_request_makes_another_recording_and_the_upload_keeps_its_own(world):
    event = world.upload()
    first = upload.on_upload(event | {"metadata": ENGLISH}, world.ports)
    ask(world, options={"language": "de"})
    assert sorted(one.options.language for one in recordings(world)) == ["de", "en"]
    assert upload.on_upload(event | {"metadata": ENGLISH}, world.ports).id == first.id
    assert len(recordings(world)) == 2


def test_an_explicit_request_that_came_before_the_event_does_not_fix_the_upload(world):
    event = world.upload()
    ask(world, options={"language": "de"})
    assert upload.on_upload(event, world.ports).options == Options()
    assert len(recordings(world)) == 2


def test_a_request_without_options_is_about_the_recording_of_the_upload(world):
    first = upload.on_upload(world.upload() | {"metadata": ENGLISH}, world.ports)
    relabel(world, GERMAN)
    ask(world)
    assert [one.id for one in recordings(world)] == [first.id]


def test_a_request_without_options_before_the_event_fixes_them(world):
    event = world.upload()
    relabel(world, ENGLISH)
    ask(world)
    assert upload.on_upload(event, world.ports).options.language == "en"
    assert len(recordings(world)) == 1


def test_a_request_for_an_upload_whose_metadata_were_wrong_takes_them_as_they_are_now(world):
    upload.on_upload(world.upload() | {"metadata": WRONG}, world.ports)
    relabel(world, WRONG)
    ask(world, "still-wrong")
    relabel(world, GERMAN)
    ask(world, "corrected")
    assert sorted((one.state, one.options.language) for one in recordings(world)) == [
        ("FAILED", None),
        ("PLANNED", "de"),
    ]


def test_metadata_that_are_wrong_do_not_fail_what_a_request_has_asked_for(world):
    event = world.upload()
    ask(world, options={})
    upload.on_upload(event | {"metadata": WRONG}, world.ports)
    assert [one.state for one in recordings(world)] == ["PLANNED"]


def test_a_file_that_is_transcribed_with_other_options_has_another_recording(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    (tmp_path / "talk.wav").write_bytes(b"sound")
    file = InputFile(path=tmp_path / "talk.wav", output=Path("talk.wav"))
    for language in ("en", "de"):
        submission.submit(submission.look([file], Options(language=language), ports), ports)
        for one in ports.queue.pull("router", 10, 60.0):
            upload.on_upload(json.loads(one.data), ports)
    found = documents.recordings(ports.records)
    assert sorted((one.options.language, one.state) for one in found) == [("de", "FAILED"), ("en", "FAILED")]
    ports.close()


def test_up_started_again_with_other_options_before_the_router_took_the_event_makes_no_other(world):
    world.upload()
    for options in ({"dropscribe-language": "en"}, {"dropscribe-language": "de"}):
        known = partial(reappeared.is_known, world.ports)
        inbox = Inbox(
            world.ports.store, world.ports.queue, "audio", known, metadata=options, quiet_seconds=0.1
        )
        inbox.start()
        waited = time.monotonic() + 10
        count = world.ports.queue.pending("router") + 1
        while world.ports.queue.pending("router") < count and time.monotonic() < waited:
            time.sleep(0.05)
        inbox.stop()
    events = world.pull("router")
    assert len(events) == 2
    for one in events:
        upload.on_upload(json.loads(one.data), world.ports)
    assert [one.options.language for one in recordings(world)] == ["en"]
    assert reappeared.is_known(world.ports, world.ports.store.stat("audio", "talk.wav"))
