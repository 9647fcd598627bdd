"""The recordings that a command line names, by file, by address or by ID."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from local.commands import lookup
from shared.errors import BadRequest, NotFound
from shared.flow import forget, request, upload
from shared.model import Options
from shared.state import documents


def ids(recordings):
    return [one.id for one in recordings]


def test_each_is_found_once_in_the_order_given(deployment):
    first, second = deployment.upload("a.wav"), deployment.upload("b.wav")
    places = [second.id, "a.wav", second.id, first.id]
    assert ids(lookup.each_of(places, deployment.ports)) == [second.id, first.id]


def test_a_file_is_meant_by_path_by_address_by_name_and_by_the_end_of_its_path(deployment, monkeypatch):
    one, _ = deployment.upload("monday/talk.wav"), deployment.upload("other.wav")
    monkeypatch.chdir(deployment.ports.inbox / "monday")
    for place in (
        deployment.ports.inbox / "monday" / "talk.wav",
        "gs://audio/monday/talk.wav",
        "monday/talk.wav",
        "./talk.wav",
        "talk.wav",
        one.id,
        one.id[:6],
    ):
        assert lookup.one(str(place), deployment.ports).id == one.id, place


def test_a_file_whose_name_is_not_utf8_is_meant_by_it(deployment, monkeypatch):
    one, _ = deployment.upload("%!caf%E9/%!t%E4lk.wav"), deployment.upload("other.wav")
    path = Path(os.fsdecode(b"caf\xe9/t\xe4lk.wav"))
    monkeypatch.chdir(deployment.ports.inbox)
    for place in (deployment.ports.inbox / path, path, path.name):
        assert lookup.one(str(place), deployment.ports).id == one.id, place
    with pytest.raises(NotFound):
        lookup.one(os.fsdecode(b"\xe4lk.wav"), deployment.ports)


@pytest.mark.parametrize("place", ["nonsense.wav", "alk.wav", "", "/", "gs://audio/", "gs://other/talk.wav"])
def test_what_fits_nothing_is_named_with_where_to_look(deployment, place):
    deployment.upload("talk.wav")
    with pytest.raises(NotFound, match=r"no recording .*status --ids"):
        lookup.one(place, deployment.ports)


def test_the_beginning_of_an_id_has_six_letters_at_least(deployment):
    one = deployment.upload("talk.wav")
    with pytest.raises(NotFound):
        lookup.one(one.id[:5], deployment.ports)


def test_a_recording_is_meant_by_its_title_as_well(deployment):
    source = (
        request.locate("gs://audio/talk.wav", deployment.ports) if deployment.upload("talk.wav") else None
    )
    one = upload.accept(replace(source, generation=7), Options(title="Board meeting.mp3"), deployment.ports)
    assert lookup.one("Board meeting.mp3", deployment.ports).id == one.id
    assert lookup.name_of(one) == "Board meeting.mp3"


def test_nobody_reads_all_recordings_for_a_name_or_an_id(deployment, monkeypatch):
    one = deployment.upload("monday/talk.wav")
    monkeypatch.delattr(documents, "recordings")
    for place in ("talk.wav", "gs://audio/monday/talk.wav", one.id[:7]):
        assert lookup.one(place, deployment.ports).id == one.id
    with pytest.raises(NotFound):
        lookup.one("nonsense.wav", deployment.ports)


def test_where_several_fit_they_are_listed_and_one_is_asked_for(deployment, capsys):
    both = [deployment.upload(f"{folder}/talk.wav") for folder in ("monday", "tuesday")]
    with pytest.raises(BadRequest, match=r"2 recordings match 'talk\.wav'\. Name one of them by its ID\."):
        lookup.one("talk.wav", deployment.ports)
    told = capsys.readouterr().err
    for one in both:
        assert re.search(rf"{one.id} .* PLANNED .*/?{one.source.name}", told)
    with pytest.raises(BadRequest, match="2 recordings match"):
        lookup.of_one_object("talk.wav", deployment.ports)


def test_of_several_recordings_of_a_file_that_one_is_meant_which_can_be(deployment):
    failed = deployment.failed("talk.wav")
    other = replace(request.locate("gs://audio/talk.wav", deployment.ports), generation=7)
    running = upload.accept(other, Options(), deployment.ports)
    assert set(ids(lookup.every("talk.wav", deployment.ports))) == {failed.id, running.id}
    assert lookup.one("talk.wav", deployment.ports, can=lambda one: one.ended_without).id == failed.id
    assert set(ids(lookup.of_one_object("talk.wav", deployment.ports))) == {failed.id, running.id}
    forget.forget(running.id, deployment.ports)
    assert lookup.one("talk.wav", deployment.ports).id == failed.id
    # Where none is as it must be, the deleted one is not meant, either.
    assert lookup.one("talk.wav", deployment.ports, can=lambda one: one.state == "DONE").id == failed.id
