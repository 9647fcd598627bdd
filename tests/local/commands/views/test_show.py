"""`dropscribe show`: a transcript on standard output, or what there is of it."""

from __future__ import annotations

import json

import pytest

from local.commands.views import show
from local.commands.views.show import file_of
from shared.errors import BadRequest
from shared.flow import chunk
from shared.flow.reading import revision
from shared.flow.reading.corrections import Edit
from shared.flow.reading.live import Live
from shared.formats import FORMATS
from tests.world import heard, words


def stored(deployment, recording, name):
    bucket = deployment.settings.transcripts_bucket
    [output] = [one for one in recording.outputs if one.endswith(f"/{name}")]
    return deployment.ports.store.load(bucket, output)


def test_the_text_is_printed_as_it_is_in_the_file(deployment, ask):
    recording = deployment.done("talk.wav")
    result = ask("show", "talk.wav")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes == stored(deployment, recording, "transcript.txt")
    assert "one two" in result.stdout


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_asked_for_also_those_that_were_not_written(deployment, ask, name):
    recording = deployment.done("talk.wav")
    result = ask("show", recording.id, "--format", name)
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout_bytes) > 10 or name == "rttm"
    if name in {"json", "srt", "vtt"}:
        assert result.stdout_bytes == stored(deployment, recording, f"transcript.{name}")


def test_a_file_is_named_by_its_own_name_as_well(deployment, ask):
    recording = deployment.done("talk.wav")
    result = ask("show", "talk.wav", "-f", "paragraphs.csv")
    assert result.stdout_bytes == stored(deployment, recording, "paragraphs.csv")
    assert file_of("csv").name == "words.csv"
    refused = ask("show", "talk.wav", "--format", "doc")
    assert refused.exit_code == 2
    assert "There is no format 'doc'. Choose from json, csv" in refused.stderr


def test_the_newest_correction_is_shown_unless_another_is_asked_for(deployment, ask):
    recording = deployment.done("talk.wav")
    edit = Edit(first=0, stop=1, text="corrected")
    revision.create(recording.id, revision.Correction(based_on=0, edits=(edit,)), deployment.ports)
    assert ask("show", "talk.wav").stdout.startswith("corrected ")
    assert ask("show", "talk.wav", "--revision", "0").stdout.startswith("one ")
    assert ask("show", "talk.wav", "--revision", "1", "--format", "md").stdout.count("corrected") == 1
    unknown = ask("show", "talk.wav", "--revision", "2")
    assert unknown.exit_code == 2
    assert "no revision 2" in unknown.stderr


def test_of_one_in_progress_the_words_so_far_are_shown_with_what_is_missing(deployment, ask):
    recording = deployment.upload("talk.wav")
    nothing = ask("show", "talk.wav")
    assert nothing.exit_code == 75
    assert "talk.wav is still in progress. 0 of 2 parts are done." in nothing.stderr
    assert nothing.stdout == "[0:00:00 to 0:01:00: not transcribed yet]\n"
    chunk.commit_result(*heard(recording, recording.chunks[0]), deployment.ports)
    part = ask("show", "talk.wav")
    assert part.exit_code == 75
    first, empty, gap = part.stdout.splitlines()
    assert (first, empty) == ("one two three", "")
    assert gap.endswith(" to 0:01:00: not transcribed yet]")
    for option in (("--format", "srt"), ("--revision", "1")):
        refused = ask("show", "talk.wav", *option)
        assert refused.exit_code == 2
        assert "is still in progress: its transcript." in refused.stderr
        assert refused.stdout == ""


def test_one_without_a_transcript_says_why(deployment, ask):
    recording = deployment.failed("talk.wav")
    result = ask("show", "talk.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "talk.wav has no transcript (FAILED): no engine left" in result.stderr
    ask("forget", recording.id, "--yes")
    assert "has no transcript (DELETED): It was deleted." in ask("show", recording.id).stderr


def test_the_record_is_json_whatever_its_state_is(deployment, ask):
    for make in (deployment.upload, deployment.failed, deployment.done):
        name = f"{make.__name__}.wav"
        recording = make(name)
        result = ask("show", name, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["recording"] == recording.id


def test_gaps_stand_between_the_words_where_they_are():
    spoken = (*words("one two", start=1.0), *words("three", start=40.0), *words("four", start=90.0))
    known = Live(complete=False, words=spoken, gaps=((0.0, 0.5), (10.0, 39.0), (50.0, 80.0), (99.0, 99.0)))
    assert show.text_so_far(known).splitlines() == [
        "[0:00:00 to 0:00:00: not transcribed yet]",
        "",
        "one two",
        "",
        "[0:00:10 to 0:00:39: not transcribed yet]",
        "",
        "three",
        "",
        "[0:00:50 to 0:01:20: not transcribed yet]",
        "",
        "four",
        "",
        "[0:01:39 to the end: not transcribed yet]",
    ]


def test_what_is_no_text_is_not_written_to_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(show.sys.stdout, "isatty", lambda: True)
    with pytest.raises(BadRequest, match=r"--format docx > talk\.docx"):
        show._print(b"PK", file_of("docx"))
    show._print(b"one\x1b[2J\n", file_of("txt"))
    assert capsys.readouterr().out == "one\\x1b[2J\n"


def test_of_several_of_one_name_the_only_one_with_a_transcript_is_shown_and_said(deployment, ask):
    done = deployment.done("monday/talk.wav", text="said on Monday")
    failed = deployment.failed("tuesday/talk.wav")
    result = ask("show", "talk.wav")
    assert (result.exit_code, "said on Monday" in result.stdout) == (0, True)
    assert (
        result.stderr
        == f"2 recordings match 'talk.wav': this is {done.id}, the only one with a transcript.\n"
    )
    deployment.finish(deployment.upload("wednesday/talk.wav"))
    refused = ask("show", "talk.wav")
    assert refused.exit_code == 2
    assert "3 recordings match 'talk.wav'. Name one of them by its ID." in refused.stderr
    assert failed.id in refused.stderr
