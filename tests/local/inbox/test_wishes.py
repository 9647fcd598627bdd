"""What `dropscribe up` asks for its inbox, and which files it takes for done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.backend.embedded_ports import open_ports
from local.commands import up
from local.inbox import wishes
from shared.errors import BadRequest
from shared.flow import upload
from shared.messages import metadata_of
from shared.model import Options, StoredObject, recording_id
from shared.routing import flags
from shared.settings import Settings

SPEAKERS, GERMAN = Options(diarize=True), Options(language="de")
UPLOAD = StoredObject(bucket="audio", name="talk.mp3", generation=7, size=1)


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", api_keys={"deepgram": "key"}))
    yield ports
    ports.close()


def test_all_wishes_are_remembered_once_and_without_their_labels(ports):
    assert wishes.remember(replace(SPEAKERS, label="sales"), ports.records) == (Options(), SPEAKERS)
    assert wishes.remember(GERMAN, ports.records) == (Options(), SPEAKERS, GERMAN)
    assert wishes.remember(replace(SPEAKERS, label="calls"), ports.records) == (Options(), SPEAKERS, GERMAN)


@pytest.mark.parametrize("before", [Options(), SPEAKERS])
def test_a_file_that_was_done_with_other_options_is_not_done_again(ports, before):
    wishes.remember(before, ports.records)
    ever = wishes.remember(GERMAN, ports.records)
    assert not up.is_known(ports, ever, UPLOAD)
    made = replace(UPLOAD, metadata=metadata_of(before))
    upload.accept(made, before, ports)
    assert up.is_known(ports, ever, UPLOAD)
    assert not up.is_known(ports, ever, replace(UPLOAD, generation=8))
    assert recording_id(made, before) == recording_id(UPLOAD, before)


def test_speakers_together_with_parakeet_are_refused_before_anything_starts(ports):
    with pytest.raises(BadRequest, match="Only Deepgram tells speakers apart"):
        up.run(ports, replace(SPEAKERS, method="parakeet"))


def test_speakers_without_a_key_are_refused_before_anything_starts(ports):
    alone = replace(ports, engines=frozenset({"parakeet-cpu"}))
    with pytest.raises(BadRequest, match="set DEEPGRAM_API_KEY"):
        up.run(alone, SPEAKERS)


def test_a_flag_that_comes_before_the_method_that_was_asked_for_is_told(ports):
    asked = Options(method="parakeet")
    here = replace(ports, settings=replace(ports.settings, method="parakeet"))
    assert up.overruled(asked, here) == ""
    flags.change({"TRANSCRIPTION_METHOD": "deepgram"}, here)
    assert "TRANSCRIPTION_METHOD=deepgram comes before --method parakeet" in up.overruled(asked, here)
    assert up.overruled(Options(), here) == ""
    flags.change({"TRANSCRIPTION_METHOD": ""}, here)
    assert up.overruled(asked, here) == ""
