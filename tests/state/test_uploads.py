"""What an upload asks for is fixed once; tests/exactly_one/test_one_recording.py shows what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import upload
from shared.model import Options, StoredObject
from shared.state import uploads

ENGLISH = StoredObject(
    bucket="audio", name="talk.mp3", generation=7, size=1, metadata={"dropscribe-language": "en"}
)
GERMAN = replace(ENGLISH, metadata={"dropscribe-language": "de"})


def test_the_first_metadata_are_fixed_with_their_label(world):
    labelled = replace(ENGLISH, metadata=ENGLISH.metadata | {"dropscribe-label": "crm"})
    assert uploads.fix(labelled, world.ports.records).options == Options(language="en", label="crm")
    assert uploads.fix(GERMAN, world.ports.records).options == Options(language="en", label="crm")


@pytest.mark.parametrize("change", [{"generation": 8}, {"name": "other.mp3"}, {"bucket": "calls"}])
def test_each_generation_of_each_object_is_an_upload_of_its_own(world, change):
    uploads.fix(ENGLISH, world.ports.records)
    assert uploads.fix(replace(GERMAN, **change), world.ports.records).options.language == "de"


def test_invalid_metadata_are_fixed_as_a_problem(world):
    wrong = replace(ENGLISH, metadata={"dropscribe-track": "two"})
    asks = uploads.fix(wrong, world.ports.records)
    assert asks.options == Options()
    assert "track must be a whole number" in asks.problem
    assert uploads.fix(GERMAN, world.ports.records) == asks


def test_a_recording_is_found_by_the_fixed_options_and_before_that_by_the_metadata(world):
    assert uploads.recording_of(ENGLISH, world.ports.records) is None
    made = upload.accept(ENGLISH, Options(language="en"), world.ports)
    assert uploads.recording_of(ENGLISH, world.ports.records).id == made.id
    assert uploads.recording_of(GERMAN, world.ports.records) is None
    assert uploads.adopt(made, world.ports.records)
    assert uploads.recording_of(GERMAN, world.ports.records).id == made.id


def test_a_recording_that_somebody_asked_for_is_not_that_of_the_upload(world):
    asked = upload.accept(ENGLISH, Options(track=1), world.ports)
    assert not uploads.adopt(asked, world.ports.records)
    assert uploads.recording_of(ENGLISH, world.ports.records) is None


def test_a_recording_that_failed_for_its_metadata_is_adopted_with_its_problem(world):
    wrong = replace(ENGLISH, metadata={"dropscribe-track": "two"})
    failed = upload.refuse(wrong, "a problem", world.ports)
    assert uploads.adopt(failed, world.ports.records)
    assert "track must be" in uploads.fix(GERMAN, world.ports.records).problem
