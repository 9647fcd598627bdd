"""Voices are in the results of chunks alone, and gone with them, on this machine and in a project."""

from __future__ import annotations

import contextlib
import gc
from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace
from zlib import compress

import pytest
from google.cloud import firestore

from console.results import Results
from shared.adapters.object_search import ObjectSearch
from shared.flow import chunk, forget, record, upload
from shared.flow.chunk import result_name
from shared.messages import ChunkDone
from shared.results import Voice
from tests.contract import cloud_storage, fire_store
from tests.flow.diarization.crowd import crowd, voice
from tests.voices_left import has_voice
from tests.world import World, heard

BUCKETS = ("audio", "transcripts", "work")


@pytest.fixture(params=["local", "google"])
def column(request, tmp_path):
    """A world, and a function that gives all bytes that it stores, by where they are."""
    world = World(tmp_path)
    own = world.ports
    ports, documents = (
        own,
        lambda: {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()},
    )
    with contextlib.ExitStack() as stack:
        if request.param == "google":
            store = stack.enter_context(cloud_storage.column(request, tmp_path)[0]())
            reopen, _ = fire_store.column(request, tmp_path)
            records = stack.enter_context(reopen())
            search = ObjectSearch(store, records, "work", each=1)
            stack.callback(search.close)
            ports = replace(ports, store=store, records=records, search=search)
            client = firestore.Client(project=reopen.args[1])
            stack.callback(client.close)

            def documents():
                found = (one for part in client.collections() for one in part.stream())
                return {one.reference.path: repr(one.to_dict()).encode() for one in found}

        world.ports = ports

        def everything():
            objects = {
                f"{one.bucket}/{one.name}": ports.store.load(one.bucket, one.name)
                for bucket in BUCKETS
                for one in ports.store.list(bucket)
            }
            return {**objects, **documents()}

        yield SimpleNamespace(world=world, everything=everything)
        world.ports = own
        world.close()


def test_no_voice_is_left_of_a_recording_that_is_deleted(column):
    world = column.world
    event = world.upload("crowd.wav", **{"dropscribe-speaker_names": "Ann"})
    one = upload.on_upload(event, world.ports)
    ann, bob = crowd(2)
    voices = (voice(ann, 0, 0.0, 1.4), voice(bob, 0, 1.4, 2.0, clean=1.6))
    secrets = [bytes(bytearray(each.embedding)) for each in voices]
    for part in one.chunks:
        result, row = heard(one, part, voices=voices, voice_revision="a+b")
        chunk.commit_result(result, row, world.ports)
    page = Results()
    assert page.of(one, world.ports)
    del voices, result
    assert record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports).state == "DONE"

    def holders():
        return {
            str(where)
            for where, data in column.everything().items()
            for each in secrets
            if has_voice(data, each)
        }

    results = {result_name(one.id, part.index) for part in one.chunks}
    assert {where for where in holders() if not any(where.endswith(name) for name in results)} == set()
    assert len(holders()) >= len(results)
    world.clock.time += 86_400.0
    forget.forget(one.id, world.ports, audio=True)
    assert holders() == set()
    gc.collect()
    assert [each for each in gc.get_objects() if type(each) is Voice and each.embedding in secrets] == []
    assert page.of(one, world.ports) == {}


def test_who_looks_for_voices_finds_them():
    """Else the test above would show nothing."""
    secret = voice(crowd(1)[0], 0, 0.0, 1.4).embedding
    for data in (b"x" + secret, b"abc" + b64encode(b"a" + secret), compress(b64encode(b"ab" + secret))):
        assert has_voice(data, secret)
    assert not has_voice(b"nothing" * 100, secret)
