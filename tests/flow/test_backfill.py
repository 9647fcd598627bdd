"""Objects without a recording are asked for, once, with what they are expected to cost said before."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from pathlib import Path

import pytest

from local.backend.files.store import FileStore
from shared.errors import BadMedia
from shared.flow import backfill, request, upload
from shared.model import Options
from shared.state import answers, documents
from tests.world import replace_unnoticed


def source(world, name):
    assert world.ports.store.create("audio", name, b"sound", "audio/wav")
    return world.ports.store.stat("audio", name)


def route(world):
    for number, one in enumerate(world.pull("requests")):
        data = base64.b64encode(one.data).decode()
        request.on_request({"messageId": f"{number}", "data": data, "attributes": {}}, world.ports)


def recordings(world):
    return list(documents.recordings(world.ports.records))


def test_asking_again_after_a_break_makes_no_second_recording_and_publishes_nothing_twice(world):
    one = source(world, "old.wav")
    assert backfill.is_new(one, None, world.ports.records)
    assert backfill.ask(one, None, world.ports) == backfill.ask(one, None, world.ports)
    route(world)
    assert len(recordings(world)) == 1
    assert len(world.pull("cpu-worker")) == 2
    assert not backfill.is_new(one, None, world.ports.records)


def test_options_make_another_recording_and_another_request(world):
    one = source(world, "old.wav")
    german = Options(language="de", label="archive")
    first = backfill.ask(one, None, world.ports)
    route(world)
    assert backfill.is_new(one, german, world.ports.records)
    assert backfill.ask(one, german, world.ports) != first
    assert backfill.ask(one, replace(german, label="other"), world.ports) != first
    route(world)
    assert not backfill.is_new(one, german, world.ports.records)
    assert sorted(one.options.language or "" for one in recordings(world)) == ["", "de"]


@pytest.mark.parametrize("options", [None, Options(language="de")])
def test_a_file_that_was_replaced_meanwhile_is_not_transcribed_in_place_of_the_one_that_was_meant(
    world, options
):
    one = source(world, "old.wav")
    request_id = backfill.ask(one, options, world.ports)
    world.ports.store.delete(one.bucket, one.name, one.generation)
    assert source(world, "old.wav").generation != one.generation
    route(world)
    assert recordings(world) == []
    assert "has been replaced" in answers.find(request_id, world.ports.records).answer.reason


def test_the_new_version_of_a_file_that_nobody_watches_has_to_be_asked_for(world, tmp_path):
    world.ports = replace(world.ports, store=FileStore({"files": Path("/")}))
    (tmp_path / "old.wav").write_bytes(b"sound")
    name = str(tmp_path / "old.wav").lstrip("/")
    request_id = backfill.ask(world.ports.store.stat("files", name), None, world.ports)
    (tmp_path / "old.wav").write_bytes(b"another sound")
    os.utime(tmp_path / "old.wav", (1, 1))
    route(world)
    reason = answers.find(request_id, world.ports.records).answer.reason
    assert reason == "Its file has been replaced. Ask for the new one."


def test_another_version_with_the_same_time_is_neither_new_nor_known(world):
    upload.on_upload(world.upload("talk.wav"), world.ports)
    replace_unnoticed(world.ports.store.path_of("audio", "talk.wav"), b"another, longer sound")
    for options in (None, Options()):
        with pytest.raises(BadMedia, match="with `touch`"):
            backfill.is_new(world.ports.store.stat("audio", "talk.wav"), options, world.ports.records)


def test_an_upload_that_has_its_recording_is_not_new(world):
    upload.on_upload(world.upload("talk.wav"), world.ports)
    assert not backfill.is_new(world.ports.store.stat("audio", "talk.wav"), None, world.ports.records)


def test_what_was_refused_once_is_begun_when_it_is_asked_for_again(world):
    one, ports = source(world, "old.wav"), world.ports
    world.ports = replace(ports, settings=replace(world.settings, request_buckets="calls"))
    request_id = backfill.ask(one, None, ports)
    route(world)
    assert answers.find(request_id, ports.records).refused
    backfill.ask(one, None, ports)
    route(world)
    assert answers.find(request_id, ports.records).refused
    world.ports = ports
    assert backfill.ask(one, None, ports) == request_id
    route(world)
    assert answers.find(request_id, ports.records).answer is None
    assert [one.state for one in recordings(world)] == ["PLANNED"]
    # Delivered again, it publishes nothing again.
    backfill.ask(one, None, ports)
    route(world)
    assert len(world.pull("cpu-worker")) == 2


def test_it_counts_for_no_quota(world):
    world.ports = replace(world.ports, settings=replace(world.settings, max_open_requests=1))
    for number in range(3):
        backfill.ask(source(world, f"{number}.wav"), None, world.ports)
    route(world)
    assert len(recordings(world)) == 3
    assert all(fields["answer"] is None for _, fields in world.ports.records.query(answers.REQUESTS))


def test_length_and_cost_of_all_follow_from_a_few_by_their_bytes(world):
    ports = replace(world.ports, settings=replace(world.settings, cpu_usd_per_hour=1.0))
    sources = [source(world, f"{number}.wav") for number in range(10)]
    found = backfill.estimate(sources, None, ports, probes=4)
    assert world.media.probes == 4
    assert (found.probed, found.refused) == (4, 0)
    assert found.seconds == pytest.approx(600.0)
    assert found.usd == pytest.approx(10 * backfill.estimate(sources[:1], None, ports, probes=1).usd)
    assert found.usd > 0


def test_what_would_be_refused_counts_as_nothing(world, monkeypatch):
    sources = [source(world, f"{number}.wav") for number in range(4)]
    probe = world.media.probe

    def half(source, *, name, **options):
        if name in {"0.wav", "2.wav"}:
            raise BadMedia("no-audio", "There is no audio in it.")
        return probe(source, name=name, **options)

    monkeypatch.setattr(world.media, "probe", half)
    found = backfill.estimate(sources, None, world.ports, probes=4)
    assert (found.refused, found.seconds) == (2, pytest.approx(120.0))


def test_without_probes_nothing_is_known(world):
    found = backfill.estimate([source(world, "a.wav")], None, world.ports, probes=0)
    assert (found.probed, found.seconds, found.usd) == (0, None, None)
    assert world.media.probes == 0


def test_lengths_that_no_header_tells_stay_unknown(world):
    world.media.info = replace(world.media.info, duration=None)
    found = backfill.estimate([source(world, "a.wav")], None, world.ports, probes=1)
    assert (found.seconds, found.usd) == (None, None)


def test_where_no_engine_runs_here_the_cost_is_unknown(world):
    ports = replace(world.ports, engines=frozenset())
    found = backfill.estimate([source(world, "a.wav")], None, ports, probes=1)
    assert (found.seconds, found.usd) == (pytest.approx(60.0), None)
