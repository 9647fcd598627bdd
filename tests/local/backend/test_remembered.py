"""What `dropscribe up` asks for its inbox, and which files it takes for done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.backend import remembered
from local.backend.embedded_ports import open_ports
from local.commands.audio import up
from local.inbox import reappeared
from local.runtime.events import object_resource
from shared.errors import BadRequest
from shared.flow import upload
from shared.messages import metadata_of
from shared.model import Options, StoredObject
from shared.routing import flags
from shared.settings import Settings
from shared.state import uploads

SPEAKERS, GERMAN = Options(diarize=True), Options(language="de")
UPLOAD = StoredObject(bucket="audio", name="talk.mp3", generation=7, size=1)


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", api_keys={"deepgram": "key"}))
    yield ports
    ports.close()


@pytest.mark.parametrize("before", [Options(), SPEAKERS])
def test_a_file_that_an_older_version_took_is_not_taken_again(ports, before):
    made = replace(UPLOAD, metadata=metadata_of(before))
    old = upload.accept(made, before, ports)
    remembered.adopt_uploads("audio", ports.records)
    assert reappeared.is_known(ports, UPLOAD)
    assert not reappeared.is_known(ports, replace(UPLOAD, generation=8))
    event = json.loads(object_resource(replace(UPLOAD, metadata=metadata_of(GERMAN))))
    assert upload.on_upload(event, ports).id == old.id


def test_of_several_recordings_of_one_file_that_of_its_upload_counts(ports):
    for options in (GERMAN, SPEAKERS):
        # Somebody asked for these.
        upload.accept(UPLOAD, options, ports)
    first = upload.accept(UPLOAD, Options(), ports)
    remembered.adopt_uploads("audio", ports.records)
    assert uploads.recording_of(replace(UPLOAD, metadata=metadata_of(GERMAN)), ports.records).id == first.id


def test_only_the_first_start_looks_for_files_of_an_older_version(ports):
    remembered.adopt_uploads("audio", ports.records)
    upload.accept(replace(UPLOAD, metadata=metadata_of(GERMAN)), GERMAN, ports)
    remembered.adopt_uploads("audio", ports.records)
    assert not reappeared.is_known(ports, UPLOAD)


def test_a_file_taken_by_this_version_is_known_whatever_up_is_asked_for_later(ports):
    event = json.loads(object_resource(replace(UPLOAD, metadata=metadata_of(GERMAN))))
    upload.on_upload(event, ports)
    assert reappeared.is_known(ports, UPLOAD)


def test_speakers_together_with_a_hybrid_are_refused_before_anything_starts(ports):
    with pytest.raises(BadRequest, match="one engine tells the speakers of a recording apart"):
        up.run(ports, replace(SPEAKERS, method="hybrid"))


def test_speakers_without_any_engine_are_refused_before_anything_starts(ports):
    alone = replace(ports, engines=frozenset())
    with pytest.raises(BadRequest, match="No engine of this deployment tells speakers apart"):
        up.run(alone, SPEAKERS)


def test_a_flag_that_comes_before_the_method_that_was_asked_for_is_told(ports):
    asked = Options(method="parakeet")
    here = replace(ports, settings=replace(ports.settings, method="parakeet"))
    assert up.overruled(asked, here) == ""
    flags.change({"TRANSCRIPTION_METHOD": "deepgram"}, here)
    assert "TRANSCRIPTION_METHOD=deepgram overrides --method parakeet" in up.overruled(asked, here)
    assert up.overruled(Options(), here) == ""
    flags.change({"TRANSCRIPTION_METHOD": ""}, here)
    assert up.overruled(asked, here) == ""


def test_the_method_and_the_weights_of_up_are_remembered(ports):
    mine = Settings(model="mine", method="hybrid")
    assert remembered.as_up(mine, ports.records) == mine
    # Also of an engine that only `up` has: nobody else decides for its files.
    remembered.remember_defaults(Settings(model="tiny", method="deepgram"), ports.records)
    found = remembered.as_up(mine, ports.records)
    assert (found.model, found.method) == ("tiny", "deepgram")
