from __future__ import annotations

from dataclasses import replace

import pytest

import dropscribe
from dropscribe import Client, Status
from shared.model import Options
from shared.outputs import render
from tests.outputs.streams import spoken, transcript

[DOCUMENT] = (one.data for one in render(transcript(spoken("Well, well.")), ["json"]))
DONE = Status(
    job="a", state="DONE", source="gs://audio/a.mp3", recording="k", usd=0.5,
    outputs={"transcript.json": "gs://t/transcript.json", "transcript.srt": "gs://t/transcript.srt"},
)  # fmt: skip


class Scripted:
    """A deployment that says what a test says."""

    def __init__(self, *looks):
        self.looks = list(looks)
        self.submitted = []
        self.closed = False
        self.files = {"transcript.json": DOCUMENT, "transcript.srt": b"1"}

    def submit(self, source, options, request_id, metadata):
        self.submitted.append((source, options, request_id, metadata))
        return "a"

    def ended(self, job):
        return self.looks.pop(0)

    def status(self, job):
        return Status(job=job, state="PLANNED", chunks=4, chunks_done=1)

    def load(self, status, name):
        return self.files.get(name)

    def close(self):
        self.closed = True


def test_a_job_is_submitted_waited_for_and_read(tmp_path):
    there, slept = Scripted(None, None, DONE, DONE), []
    with Client(there) as client:
        job = client.submit(tmp_path / "a.mp3", language="en", keyterms=["Oslo", "Rome"], formats=["docx"])
        assert client.status(job).chunks_done == 1
        found = client.wait(job, sleep=slept.append)
        assert (found.text, found.usd, found.outputs) == ("Well, well.", 0.5, DONE.outputs)
        assert slept == [0.2, 0.2 * 1.5]
        assert client.download(job, "transcript.srt") == b"1"
    assert there.submitted == [
        (
            str(tmp_path / "a.mp3"),
            Options(language="en", keyterms="Oslo, Rome", formats="docx"),
            None,
            {},
        )
    ]
    assert there.closed


def test_without_options_those_of_the_object_count():
    there = Scripted()
    Client(there).submit("gs://audio/a.mp3", request_id="mine", metadata={"order": "1"}, language=None)
    assert there.submitted == [("gs://audio/a.mp3", None, "mine", {"order": "1"})]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "DELETED"])
def test_a_job_without_a_transcript_says_why(state):
    end = replace(DONE, state=state, reason="It has no sound.", code="no-audio", outputs={})
    client = Client(Scripted(end, end, end))
    for call in (client.wait, client.result, lambda job: client.download(job, "transcript.srt")):
        with pytest.raises(dropscribe.TranscriptionFailed, match=r"a\.mp3: It has no sound") as caught:
            call("a")
        assert (caught.value.code, caught.value.state, caught.value.recording) == ("no-audio", state, "k")


def test_what_has_not_ended_is_not_given():
    client = Client(Scripted(None, None, None, None))
    with pytest.raises(dropscribe.TimedOut, match="not ended yet: `wait`"):
        client.result("a")
    with pytest.raises(dropscribe.TimedOut, match="not ended yet: `wait`"):
        client.download("a", "transcript.srt")
    with pytest.raises(dropscribe.TimedOut, match="within 0 s: it is in progress, and this changes nothing"):
        client.wait("a", timeout=0)


def test_a_file_that_is_not_there_is_named_and_so_are_those_that_are():
    there = Scripted(DONE, DONE)
    with pytest.raises(dropscribe.NotFound, match=r"no file 'x'. It has: transcript.json, transcript.srt"):
        Client(there).download("a", "x")
    there.files.clear()
    with pytest.raises(dropscribe.StoreUnavailable, match="is gone"):
        Client(there).result("a")


class Ignorant(Scripted):
    """A deployment that has not heard of any job."""

    def ended(self, job):
        return None

    def status(self, job):
        return None


def test_a_job_that_nobody_knows_is_not_found_and_not_waited_for_without_end():
    slept = []
    client = Client(Ignorant())
    with pytest.raises(dropscribe.NotFound, match=r"knows no job b\. Check the id"):
        client.status("b")
    for ask in (client.result, lambda job: client.download(job, "transcript.srt")):
        with pytest.raises(dropscribe.NotFound, match="knows no job b"):
            ask("b")
    with pytest.raises(dropscribe.NotFound, match="knows no job b"):
        client.wait("b", sleep=slept.append)
    assert 60 <= sum(slept) < 75, "another process may have submitted it a moment ago"
    with pytest.raises(dropscribe.TimedOut, match="within 30 s: the deployment knows no such job"):
        client.wait("b", timeout=30, sleep=slept.append)


def test_a_job_of_this_client_is_accepted_until_the_deployment_knows_it():
    client = Client(Ignorant())
    job = client.submit("gs://audio/a.mp3")
    assert client.status(job) == Status(job=job, state="ACCEPTED")
    with pytest.raises(dropscribe.TimedOut, match="has not ended"):
        client.wait(job, timeout=300, sleep=lambda _: None)
    with pytest.raises(dropscribe.TimedOut, match="has not ended yet"):
        client.result(job)


def test_a_job_that_was_known_once_is_waited_for():
    there = Scripted(*[None] * 40, DONE)
    assert Client(there).wait("b", sleep=lambda _: None).text == "Well, well."
