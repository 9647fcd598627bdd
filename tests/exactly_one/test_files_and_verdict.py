"""A recording that is DONE has exactly the files that it names, and one without a transcript has none.

Whoever finishes it may die before or after each of its calls, and anybody may end it at any of them.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from shared.errors import BucketRefused, Permanent, StoreUnavailable, Transient
from shared.flow import record, transcript_files, upload
from shared.flow.chunk import commit_result
from shared.messages import TRANSCRIPTS_READY, ChunkDone, TranscriptReady, decode
from shared.outputs import document
from shared.state import documents
from shared.sweep import sweep
from tests.world import World, heard


class Died(BaseException):
    """The process is gone: no handler of ours may stop it."""


class Calls:
    """All calls of the store, the records and the queue; something happens before or after one of them."""

    def __init__(self, ports, at, *, after, happens):
        self.count, self.at, self.after, self.happens = 0, at, after, happens
        names = ("store", "records", "queue")
        self.ports = replace(ports, **{name: Counted(getattr(ports, name), self) for name in names})


class Counted:
    """A port whose calls are counted."""

    def __init__(self, port, calls):
        self._port, self._calls = port, calls

    def __getattr__(self, name):
        call = getattr(self._port, name)

        def counted(*args, **more):
            calls, number = self._calls, self._calls.count
            calls.count += 1
            if number == calls.at and not calls.after:
                calls.happens()
            answer = call(*args, **more)
            if number == calls.at and calls.after:
                calls.happens()
            return answer

        return counted if callable(call) else call


class Scene:
    """A deployment with one recording whose chunks all have results, and no message on its way."""

    def __init__(self, folder, *, copied=None):
        if copied:
            shutil.copytree(copied, folder, dirs_exist_ok=True)
        self.world = World(folder, chunk_minutes=0.5)
        self.told = []
        publish = self.world.ports.queue.publish

        def noting(topic, data, attributes=None):
            if topic == TRANSCRIPTS_READY:
                self.told.append(decode(data, TranscriptReady).state)
            return publish(topic, data, attributes)

        self.world.ports.queue.publish = noting
        self.key = (
            next(self.world.ports.records.query(documents.RECORDINGS))[0] if copied else self.transcribed().id
        )
        self.ports = self.world.ports

    def transcribed(self):
        recording = upload.on_upload(self.world.upload(), self.world.ports)
        for one in recording.chunks:
            commit_result(*heard(recording, one), self.world.ports)
        self.world.pull("cpu-worker")
        self.world.pull("merger")
        return recording

    def finish(self, ports=None):
        return record.on_chunk_done(ChunkDone(recording=self.key, index=0), ports or self.ports)

    def files(self):
        store = self.ports.store
        return {one.name: store.load("transcripts", one.name) for one in store.list("transcripts")}

    def check(self):
        """The recording, after a look at what must hold at any moment."""
        now, there = documents.get_recording(self.ports.records, self.key), self.files()
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in there.items()}
        if now.state == "DONE":
            assert set(there) == set(now.outputs)
            assert digests == {one.name: one.sha256 for one in now.files}
        elif now.ended:
            assert (now.outputs, there) == ((), {})
        assert "DONE" not in self.told or now.state == "DONE"
        return now

    def sweep(self, hours=1):
        """Let hours pass, with a sweep every ten minutes, or two after all is over; the merger gets its messages."""
        left = hours * 6
        while left:
            self.world.clock.time += 600
            with suppress(Transient):
                sweep.on_tick(self.ports)
            messages = self.ports.queue.pull("merger", 10, 60.0)
            for one in messages:
                with suppress(Transient):
                    record.on_chunk_done(decode(one.data, ChunkDone), self.ports)
                self.ports.queue.ack("merger", one.lease)
            left = min(left - 1, 2) if self.is_over(messages) else left - 1

    def is_over(self, messages):
        """Whether it has ended and been announced, and all files are as they must be."""
        with suppress(AssertionError):
            now = self.check()
            return now.ended and now.announced and not messages
        return False


@pytest.fixture(scope="module")
def new_scene(tmp_path_factory):
    """Gives one more scene, each time the same."""
    first = tmp_path_factory.mktemp("first")
    Scene(first).world.close()
    return lambda: Scene(tmp_path_factory.mktemp("scene"), copied=first)


@pytest.fixture
def scene(new_scene):
    scene = new_scene()
    yield scene
    scene.world.close()


@pytest.fixture(scope="module")
def undisturbed(new_scene):
    """How many calls an undisturbed finish makes, and the content of its files by their short names."""
    scene = new_scene()
    calls = Calls(scene.ports, None, after=False, happens=None)
    assert scene.finish(calls.ports).announced
    files = {name.rsplit("/", 1)[1]: data for name, data in scene.files().items()}
    scene.world.close()
    del files["transcript.json"]
    return calls.count, files


@pytest.fixture
def each_call(undisturbed, new_scene):
    """Run a history with something that happens before, then after, each call of a finish."""

    def run(history):
        count, _ = undisturbed
        assert count > 8
        for at in range(count):
            for after in (False, True):
                scene = new_scene()
                try:
                    history(scene, partial(calls_of, scene.ports, at, after))
                finally:
                    scene.world.close()

    return run


def calls_of(ports, at, after, happens):
    return Calls(ports, at, after=after, happens=happens)


def die():
    raise Died


def done(scene, undisturbed):
    """It is done, and its files have the content of the undisturbed run."""
    recording = scene.check()
    assert (recording.state, recording.announced, set(scene.told)) == ("DONE", True, {"DONE"})
    short = {name.rsplit("/", 1)[1]: data for name, data in scene.files().items()}
    assert {name: data for name, data in short.items() if name != "transcript.json"} == undisturbed[1]


def test_a_merger_that_dies_at_any_call_is_made_good_by_the_next_delivery(each_call, undisturbed):
    def history(scene, calls):
        with pytest.raises(Died):
            scene.finish(calls(die).ports)
        scene.check()
        scene.finish()
        done(scene, undisturbed)

    each_call(history)


def test_a_merger_that_dies_at_any_call_and_whose_message_is_lost_is_made_good_by_the_sweeper(
    each_call, undisturbed
):
    def history(scene, calls):
        with pytest.raises(Died):
            scene.finish(calls(die).ports)
        scene.sweep(hours=2)
        done(scene, undisturbed)

    each_call(history)


def test_two_mergers_at_any_two_calls_write_one_transcript(each_call, undisturbed):
    def history(scene, calls):
        scene.finish(calls(scene.finish).ports)
        done(scene, undisturbed)

    each_call(history)


def test_a_newer_version_that_goes_on_at_any_call_writes_the_same_bytes(each_call, monkeypatch):
    def history(scene, calls):
        monkeypatch.setattr(document, "_DROPSCRIBE", "1.0")
        with pytest.raises(Died):
            scene.finish(calls(die).ports)
        monkeypatch.setattr(document, "_DROPSCRIBE", "2.0")
        scene.finish()
        assert scene.check().state == "DONE"

    each_call(history)


@pytest.mark.parametrize("finisher_dies", [False, True])
@pytest.mark.parametrize("how", ["failed", "given up", "cancelled"])
def test_ended_by_somebody_else_at_any_call_it_has_all_files_or_none(each_call, how, finisher_dies):
    ended = set()

    def history(scene, calls):
        def end():
            if how == "cancelled":
                record.cancel(scene.key, scene.ports)
            else:
                record.fail(scene.key, Permanent("x"), scene.ports, withdraw=how == "given up")
            scene.check()
            if finisher_dies:
                die()

        with suppress(Died):
            scene.finish(calls(end).ports)
        scene.finish()
        recording = scene.check()
        assert (recording.ended, recording.announced) == (True, True)
        ended.add(recording.state)

    each_call(history)
    assert ended == {"DONE", "CANCELLED" if how == "cancelled" else "FAILED"}


@pytest.mark.parametrize("how", ["given up", "cancelled"])
def test_whoever_withdraws_it_may_die_at_any_call(new_scene, how):
    at, died = 0, True
    while died:
        for after in (False, True):
            scene = new_scene()
            with pytest.raises(Died):
                scene.finish(at_call("create_all", die, scene.ports, after=True))
            assert len(scene.files()) == 6
            calls = Calls(scene.ports, at, after=after, happens=die)
            try:
                if how == "cancelled":
                    record.cancel(scene.key, calls.ports)
                else:
                    record.fail(scene.key, Permanent("x"), calls.ports, withdraw=True)
                died = False
            except Died:
                scene.check()
            scene.sweep(hours=3)
            recording = scene.check()
            assert (recording.ended, recording.announced, len(set(scene.told))) == (True, True, 1)
            scene.world.close()
        at += 1
    assert at > 10


def at_call(name, happens, ports, *, after=False, bucket="transcripts"):
    """The ports, in whose store something happens before or after one call for a bucket."""

    class Store:
        def __getattr__(self, method):
            call = getattr(ports.store, method)
            if method != name:
                return call

            def changed(*args):
                if args[0] == bucket and not after:
                    happens()
                answer = call(*args)
                if args[0] == bucket and after:
                    happens()
                return answer

            return changed

    return replace(ports, store=Store())


def refusing(scene, count, error):
    """The ports, whose store writes some of the files and then refuses the others."""
    store = scene.ports.store

    class Store:
        def __getattr__(self, method):
            return getattr(store, method)

        def create_all(self, bucket, objects):
            store.create_all(bucket, dict(list(objects.items())[:count]))
            raise error

    return replace(scene.ports, store=Store())


@pytest.mark.parametrize("count", range(7))
def test_files_that_can_never_be_written_fail_it_and_none_is_left(scene, count):
    error = Permanent("Cloud Storage refuses: the bucket has a retention policy")
    failed = scene.finish(refusing(scene, count, error))
    assert (failed.state, failed.announced) == ("FAILED", True)
    assert "retention policy" in failed.reason
    scene.check()
    scene.finish()
    scene.check()


def test_files_that_cannot_be_written_now_are_written_later(scene, undisturbed):
    with pytest.raises(StoreUnavailable):
        scene.finish(refusing(scene, 3, StoreUnavailable("busy")))
    assert scene.check().state == "PLANNED"
    scene.finish()
    done(scene, undisturbed)


def test_a_bucket_that_stays_refused_fails_it_in_the_end_and_no_file_is_left(scene):
    scene.ports = refusing(scene, 2, BucketRefused("no permission"))
    with pytest.raises(BucketRefused):
        scene.finish()
    assert len(scene.files()) == 2
    scene.sweep(hours=40)
    failed = scene.check()
    assert (failed.state, failed.announced) == ("FAILED", True)


def try_again(scene):
    """What a person's request does about a recording that ended without a transcript."""
    recording = documents.get_recording(scene.ports.records, scene.key)
    upload.reopen(recording, scene.ports)
    upload.take(recording.source, recording.options, scene.ports)


def test_a_file_with_other_content_fails_it_and_stays_and_a_retry_is_done(scene):
    recording = documents.get_recording(scene.ports.records, scene.key)
    name = f"{transcript_files.output_folder(recording)}/words.csv"
    assert scene.ports.store.create("transcripts", name, b"somebody else's", "text/csv")
    failed = scene.finish()
    assert failed.state == "FAILED"
    assert f"gs://transcripts/{name} exists with other content" in failed.reason
    assert scene.files() == {name: b"somebody else's"}
    try_again(scene)
    again = scene.finish()
    assert (again.state, again.reason) == ("DONE", "")
    assert set(scene.files()) == {name, *again.outputs}
    assert scene.told == ["FAILED", "DONE"]


def test_files_with_the_same_content_are_ours(scene, undisturbed):
    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, scene.ports, after=True))
    before = {one.name: one.generation for one in scene.ports.store.list("transcripts")}
    scene.finish()
    assert {one.name: one.generation for one in scene.ports.store.list("transcripts")} == before
    done(scene, undisturbed)


def test_files_that_may_not_be_deleted_are_named_in_the_reason(scene):
    def refuse():
        raise BucketRefused("storage.objects.delete is missing")

    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, scene.ports, after=True))
    failed = record.fail(
        scene.key, Permanent("Given up."), at_call("delete", refuse, scene.ports), withdraw=True
    )
    assert (failed.state, failed.announced) == ("FAILED", True)
    assert failed.reason.startswith("Given up. This deployment may not delete the files")
    assert all(name in failed.reason for name in scene.files())


def test_what_a_slow_merger_writes_after_its_recording_was_withdrawn_is_deleted(scene):
    def cancel():
        record.cancel(scene.key, scene.ports)

    ended = scene.finish(at_call("create_all", cancel, scene.ports))
    assert ended.state == "CANCELLED"
    scene.check()


def test_what_it_writes_before_it_dies_is_deleted_when_its_message_comes_again(scene):
    def cancel():
        record.cancel(scene.key, scene.ports)

    cancelling = at_call("create_all", cancel, scene.ports)
    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, cancelling, after=True))
    assert len(scene.files()) == 6
    scene.finish()
    assert scene.check().state == "CANCELLED"


def test_a_slow_merger_of_an_earlier_life_touches_no_file_of_the_later_one(scene):
    def again():
        record.cancel(scene.key, scene.ports)
        try_again(scene)
        assert scene.finish().state == "DONE"

    scene.finish(at_call("create_all", again, scene.ports))
    recording = scene.check()
    assert (recording.state, recording.life) == ("DONE", 1)
    assert scene.told == ["CANCELLED", "DONE"]


def test_what_a_merger_of_an_earlier_life_wrote_before_it_died_is_deleted_when_its_message_comes_again(scene):
    def again():
        record.cancel(scene.key, scene.ports)
        try_again(scene)

    withdrawn = at_call("create_all", again, scene.ports)
    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, withdrawn, after=True))
    orphans = set(scene.files())
    assert len(orphans) == 6
    assert documents.get_recording(scene.ports.records, scene.key).files == ()
    recording = scene.finish()
    assert (recording.state, recording.life) == ("DONE", 1)
    assert not orphans & set(scene.files())
    scene.check()


def test_a_merger_that_goes_on_while_nobody_has_deleted_the_files_yet_does_not_end_it_as_done(
    each_call, undisturbed
):
    withdrawn = []

    def history(scene, calls):
        def cancel():
            # The person's process dies after its first call, which says that the recording is withdrawn.
            with suppress(Died):
                record.cancel(scene.key, Calls(scene.ports, 1, after=False, happens=die).ports)
            now = documents.get_recording(scene.ports.records, scene.key)
            withdrawn.append(now.withdrawn)

        scene.finish(calls(cancel).ports)
        scene.check()
        scene.sweep(hours=2)
        recording = scene.check()
        assert recording.state == ("CANCELLED" if withdrawn[-1] or recording.state == "CANCELLED" else "DONE")
        assert recording.announced

    each_call(history)
    assert "CANCELLED" in withdrawn


def test_a_merger_of_an_earlier_life_does_not_end_the_later_one(scene):
    def again():
        record.cancel(scene.key, scene.ports)
        try_again(scene)

    assert scene.finish(at_call("create_all", again, scene.ports)).state == "PLANNED"
    assert scene.files() == {}
    assert scene.finish().state == "DONE"
    assert scene.check().life == 1


def test_a_merger_of_an_earlier_life_decides_nothing_for_the_later_one(scene):
    def again():
        record.cancel(scene.key, scene.ports)
        try_again(scene)

    late = scene.finish(at_call("create", again, scene.ports, bucket="work"))
    assert (late.state, late.life, late.files) == ("PLANNED", 1, ())


def test_who_withdraws_an_earlier_life_does_not_end_the_later_one_before_its_files_are_gone(scene):
    looked = []

    def meanwhile():
        if looked:
            return
        looked.append(True)
        record.cancel(scene.key, scene.ports)
        try_again(scene)
        with pytest.raises(Died):
            scene.finish(at_call("create_all", die, scene.ports, after=True))
        with pytest.raises(Died):
            record.cancel(scene.key, at_call("stat", die, scene.ports))

    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, scene.ports, after=True))
    record.cancel(scene.key, at_call("stat", meanwhile, scene.ports))
    scene.check()
    assert len(scene.files()) == 6
    scene.sweep(hours=2)
    recording = scene.check()
    assert (recording.state, recording.life, recording.announced) == ("CANCELLED", 1, True)


def test_a_rendering_that_was_lost_is_made_again(scene, undisturbed):
    with pytest.raises(Died):
        scene.finish(at_call("create_all", die, scene.ports))
    [kept] = list(scene.ports.store.list("work", "transcripts/"))
    assert scene.ports.store.delete("work", kept.name, kept.generation)
    scene.finish()
    done(scene, undisturbed)


def test_a_reader_sees_no_outputs_before_all_of_them_are_there(scene):
    seen = []

    def look():
        recording = documents.get_recording(scene.ports.records, scene.key)
        seen.append((recording.state, recording.outputs))

    scene.finish(at_call("create_all", look, scene.ports))
    assert seen == [("PLANNED", ())]
