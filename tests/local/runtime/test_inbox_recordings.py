"""Who transcribes a file of the inbox by its path gets the recording that `up` has of it, and no other one is paid."""

from __future__ import annotations

import fcntl
import shutil
import threading
from dataclasses import replace

import pytest

from dropscribe.progress import Told
from gpu_job.weights.catalogue import TINY
from local.backend import remembered
from local.backend.embedded_ports import UP_LOCK, open_ports
from local.commands.audio import inputs
from local.runtime import inbox_recordings, one_shot, submission
from shared.costs import budget
from shared.errors import Transient
from shared.flow import upload
from shared.messages import CHUNKS_DONE, TRANSCRIPTS_READY, TranscribeRequest
from shared.model import Options
from shared.settings import Settings
from shared.state import answers, documents, uploads
from shared.sweep import release_held


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", model=TINY, inbox=tmp_path / "inbox"))
    yield ports
    ports.close()


@pytest.fixture
def talk(tmp_path, ports):
    (tmp_path / "inbox").mkdir(exist_ok=True)
    path = tmp_path / "inbox" / "talk.wav"
    path.write_bytes(b"RIFF of a talk")
    return path


def take(ports, **metadata):
    """What `up` does with a new file."""
    source = replace(ports.store.stat(ports.settings.audio_bucket, "talk.wav"), metadata=metadata)
    return upload.accept(source, uploads.fix(source, ports.records).options, ports)


def look(ports, path, **options):
    [found] = submission.look(inputs.collect([str(path)]).files, Options(model=TINY, **options), ports)
    return found


def recordings(ports):
    return {one.id for one in documents.recordings(ports.records)}


def test_a_file_that_up_has_taken_is_waited_for_and_has_one_recording(ports, talk):
    recording = take(ports)
    found = look(ports, talk)
    assert (found.key, found.of_up, found.to_do) == (recording.id, True, True)
    submission.submit([found], ports)
    assert recordings(ports) == {recording.id}


def test_one_that_up_has_done_is_done(ports, talk):
    recording = take(ports)
    documents.change_recording(ports, recording.id, lambda one: replace(one, state="DONE"))
    assert look(ports, talk).skipped


@pytest.mark.parametrize("options", [{"language": "en"}, {"method": "deepgram"}, {"diarize": True}])
def test_who_asks_for_another_result_gets_another_recording(ports, talk, options):
    recording = take(ports)
    found = look(ports, talk, **options)
    assert not found.of_up
    assert found.key != recording.id


def test_what_up_was_started_with_is_compared_too(ports, talk):
    recording = take(ports, **{"dropscribe-language": "en"})
    assert not look(ports, talk).of_up
    assert look(ports, talk, language="en").key == recording.id
    remembered.remember_defaults(
        replace(ports.settings, model="istupakov/parakeet-tdt-0.6b-v3-onnx"), ports.records
    )
    assert not look(ports, talk, language="en").of_up


def test_without_a_running_up_a_file_that_nobody_has_taken_is_the_callers_own(ports, talk):
    assert not look(ports, talk).of_up


@pytest.fixture
def up(ports):
    with (ports.settings.state_dir / UP_LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def test_a_running_up_has_a_moment_to_take_what_was_just_put_there(ports, talk, up):
    later = threading.Timer(0.3, take, [ports])
    later.start()
    found = look(ports, talk)
    later.join()
    assert found.of_up


def test_what_a_running_up_does_not_take_is_the_callers_own_after_a_moment(ports, talk, up, monkeypatch):
    monkeypatch.setattr(inbox_recordings, "SOON", 0.2)
    assert not look(ports, talk).of_up


def test_a_file_elsewhere_and_a_link_in_the_inbox_are_no_uploads(ports, talk, tmp_path):
    take(ports)
    copy = tmp_path / "talk.wav"
    shutil.copy2(talk, copy)
    assert not look(ports, copy).of_up
    link = talk.with_name("link.wav")
    link.symlink_to(copy)
    assert not look(ports, link).of_up


def test_a_run_that_is_stopped_takes_no_message_from_up(ports, talk):
    recording = take(ports)
    found = look(ports, talk)
    submission.submit([found], ports)
    waiting = ports.queue.pending("router")
    submission.forget([found], ports)
    assert ports.queue.pending("router") == waiting > 0
    assert recordings(ports) == {recording.id}


@pytest.fixture
def own(ports, tmp_path):
    """A file of the caller's own, on its way."""
    path = tmp_path / "own.wav"
    path.write_bytes(b"RIFF of another talk")
    found = look(ports, path)
    submission.submit([found], ports)
    return found


def publish(ports, key, topics):
    for topic in topics:
        ports.queue.publish(topic, b"{}", {"recording": key})


def test_a_run_that_is_stopped_takes_its_work_along_and_leaves_what_is_told_of_ends(ports, own):
    publish(ports, own.key, [CHUNKS_DONE, "chunks-cpu", TRANSCRIPTS_READY])
    submission.forget([replace(own, skipped=True)], ports)
    names = ("router", "merger", "cpu-worker", "exporter")
    assert [ports.queue.pending(name) for name in names] == [1, 1, 1, 1]
    submission.forget([own], ports)
    assert [ports.queue.pending(name) for name in names] == [0, 0, 0, 1]


def test_a_run_that_is_stopped_leaves_the_work_that_a_request_waits_for(ports, own):
    publish(ports, own.key, ["chunks-cpu"])
    asked = answers.Asked(
        request=TranscribeRequest(uri=own.source.uri, request_id="q"), created=1.0, recording=own.key
    )
    assert answers.create(asked, ports)
    submission.forget([own], ports)
    assert [ports.queue.pending(name) for name in ("router", "cpu-worker")] == [1, 1]


def test_tries_of_runs_that_were_killed_are_not_those_of_the_next(ports, own):
    for _ in range(7):
        [taken_up] = ports.queue.pull("router", 9, 60.0)
        assert taken_up.attempt == 1
        submission.submit([own], ports)
    assert ports.queue.pending("router") == 1


@pytest.fixture
def another(ports):
    """What another `transcribe` on this state has opened."""
    another = open_ports(ports.settings)
    yield another
    another.close()


def test_what_another_run_works_on_is_waited_for_and_left_to_it_until_that_ends(ports, own, another):
    found = look(another, own.file.path)
    submission.submit([found], another)
    assert another.queue.pull("router", 9, 60.0) == []
    submission.forget([found], another)
    [delivery] = ports.queue.pull("router", 9, 60.0)
    ports.queue.postpone("router", delivery.lease, 0.0)
    ports.queue.leave()
    assert submission.take([found], another) == {own.key}
    assert len(another.queue.pull("router", 9, 60.0)) == 1


def test_what_a_run_works_on_is_left_to_it_by_the_sweeper_and_the_dead_letters_of_up(ports, own, another):
    recording = documents.get_recording(ports.records, own.key)
    assert "works on it" in another.out_of_reach(recording)
    assert ports.out_of_reach(recording) == ""
    ports.close()
    assert another.out_of_reach(recording) == ""


def test_what_a_run_works_on_is_planned_by_nobody_else(ports, own, another):
    with pytest.raises(Transient, match="works on it"):
        upload.take(own.source, Options(model=TINY), another)
    assert documents.get_recording(ports.records, own.key).state == "ACCEPTED"


def test_what_a_budget_holds_of_a_run_is_released_by_nobody_else(ports, own, another):
    documents.change_recording(ports, own.key, lambda one: replace(one, held="the budget"))
    budget_holds = budget.Commitment(usd=1.0, state="held", counts=False, changed=0.0)
    documents.put(budget.COMMITMENTS, own.key, budget_holds, ports)
    assert release_held.keep_budgets(another) == 0
    stands = documents.get_recording(ports.records, own.key)
    assert (stands.state, stands.held) == ("ACCEPTED", "the budget")
    ports.queue.leave()
    release_held.keep_budgets(another)
    assert documents.get_recording(ports.records, own.key).state == "FAILED"  # it was read


@pytest.fixture
def damaged(ports, own):
    ports.records.update(documents.RECORDINGS, own.key, lambda _: {"state": 7})
    return own


def test_a_document_that_cannot_be_read_is_the_problem_of_its_file_alone(ports, damaged, tmp_path):
    other = tmp_path / "other.wav"
    other.write_bytes(b"RIFF of a third talk")
    files = inputs.collect([str(damaged.file.path), str(other)]).files
    found = submission.look(files, Options(model=TINY), ports)
    problems = {one.file.path: str(one.problem or "") for one in found}
    assert problems[other] == ""
    assert f"recordings/{damaged.key} cannot be read" in problems[damaged.file.path]
    submission.submit(found, ports)
    submission.forget([damaged], ports)


def test_one_of_the_inbox_that_up_has_is_too(ports, talk):
    recording = take(ports)
    ports.records.update(documents.RECORDINGS, recording.id, lambda _: {"state": 7})
    assert "cannot be read" in str(look(ports, talk).problem)


def test_one_that_is_damaged_meanwhile_ends_with_its_message(ports, damaged):
    waiting = {damaged.key: damaged}
    [(one, recording)] = one_shot._ended(waiting, ports, Told(None))
    assert (one, recording.state, recording.code) == (damaged, "FAILED", "Damaged")
    assert "cannot be read" in recording.reason
    assert waiting == {}


def test_what_up_has_is_taken_while_no_up_runs_and_no_longer(ports, talk, another):
    take(ports)
    found = look(ports, talk)
    submission.submit([found], ports)
    assert ports.queue.owned == {found.key}
    with (ports.settings.state_dir / UP_LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert submission.take([found], ports) == set()
    assert len(another.queue.pull("router", 9, 60.0)) == 1


def test_what_only_the_engine_of_up_can_do_waits_for_it_and_is_the_callers_own_where_none_runs(
    ports, talk, up
):
    take(ports)
    remembered.remember_defaults(replace(ports.settings, method="deepgram"), ports.records)
    found = look(ports, talk, method="deepgram")
    assert found.of_up
    fcntl.flock(up, fcntl.LOCK_UN)
    assert submission.take([found], ports) == set()
    assert not look(ports, talk, method="deepgram").of_up
