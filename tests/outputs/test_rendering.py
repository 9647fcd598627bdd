import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given

from shared import formats
from shared.errors import BadRequest
from shared.formats import FILES, FORMATS, STANDARD, OutputFile
from shared.outputs import render
from shared.outputs.rendering import RENDERERS
from tests.generated import output_files
from tests.outputs.streams import any_stream, said_by, spoken, transcript, word

TALK = transcript(spoken("One, two. Three.", pauses={1: 2.0}), warnings=("It stops after 3 s.",))


def test_every_file_has_its_name_and_media_type():
    assert [(one.name, one.content_type) for one in render(TALK)] == [
        ("transcript.json", "application/json"),
        ("words.csv", "text/csv; charset=utf-8"),
        ("paragraphs.csv", "text/csv; charset=utf-8"),
        ("transcript.srt", "application/x-subrip; charset=utf-8"),
        ("transcript.vtt", "text/vtt; charset=utf-8"),
        ("transcript.txt", "text/plain; charset=utf-8"),
    ]


def test_the_text_is_the_paragraphs_with_an_empty_line_between():
    (only,) = render(TALK, ("txt",))
    assert only.data == b"One, two.\n\nThree.\n"


def test_the_text_names_each_speaker_who_begins():
    words = said_by(spoken("Who is there? Well? I am. You?", pauses={2: 2.0}), [1, 1, 1, 1, 2, 2, 1])
    (only,) = render(transcript(words), ("txt",))
    assert only.data.decode() == "Speaker 1: Who is there?\n\nWell?\n\nSpeaker 2: I am.\n\nSpeaker 1: You?\n"


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_is_asked_for_alone_has_the_same_bytes(name):
    alone = render(TALK, (name,))
    assert alone
    assert set(alone) <= set(render(TALK, FORMATS))


def test_the_formats_together_are_all_files_in_one_order():
    assert render(TALK, STANDARD[::-1]) == render(TALK)
    assert render(TALK, FORMATS[::-1])[:6] == render(TALK)


def test_an_hour_is_written_in_every_format():
    files = render(transcript(spoken("hello there, all of you. " * 2_000, pace=0.36)), FORMATS)
    assert [one.name for one in files] == [one.name for one in FILES]
    assert [len(one.data) > 10_000 for one in files].count(False) == 1  # nobody told speakers apart


def test_an_unknown_format_is_refused_with_the_choices():
    with pytest.raises(BadRequest, match=f"no format 'pdf'. Choose from {', '.join(FORMATS)}"):
        render(TALK, ("pdf",))


def test_silence_gives_every_file():
    files = {one.name: one.data for one in render(transcript([]))}
    assert len(files) == 6
    assert files["transcript.srt"] == files["transcript.txt"] == b""
    assert files["transcript.vtt"] == b"WEBVTT\n"


def test_a_word_without_text_is_in_no_file():
    with_blank = replace(TALK, words=(word("\x00", 0.0, 0.1), *TALK.words))
    assert render(with_blank, FORMATS) == render(TALK, FORMATS)


@given(any_stream)
def test_every_file_is_utf_8_and_the_same_on_a_repeat(words):
    files = render(transcript(words))
    assert files == render(transcript(list(words)))
    for one in files:
        assert "\r" not in one.data.decode("utf-8")


def test_other_processes_write_the_same_bytes():
    program = (
        "import hashlib, sys; from shared.formats import FORMATS; from shared.outputs import render;"
        "from tests.outputs.test_rendering import TALK;"
        "sys.stdout.write(hashlib.sha256(b''.join(one.data for one in render(TALK, FORMATS))).hexdigest())"
    )
    environments = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata"},
    )
    digests = {
        subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True).stdout
        for env in environments
    }
    assert len(digests) == 1


def test_every_file_has_its_renderer():
    assert RENDERERS.keys() == {one.name for one in FILES}


def test_a_row_of_the_table_and_a_renderer_make_a_format(monkeypatch):
    lyrics = OutputFile(format="lrc", name="transcript.lrc", use="sing along", content_type="text/plain")
    for table in ("FORMATS", "MORE"):
        monkeypatch.setattr(formats, table, (*getattr(formats, table), "lrc"))
    monkeypatch.setattr(formats, "FILES", (*FILES, lyrics))
    monkeypatch.setitem(
        RENDERERS,
        "transcript.lrc",
        lambda it: "\n".join(f"[{one.start}]{' '.join(one.lines)}" for one in it.captions).encode(),
    )
    assert formats.file_names(["lrc", "txt"]) == ["transcript.txt", "transcript.lrc"]
    (only,) = render(TALK, ["lrc"])
    assert (only.name, only.content_type) == ("transcript.lrc", "text/plain")
    assert only.data.decode().startswith("[0]One, two.")
    assert only in render(TALK, formats.FORMATS)
    with pytest.raises(BadRequest, match=", lrc"):
        formats.file_names(["pdf"])
    guide = output_files.guide()
    assert "| `speakers.rttm` | `rttm` |\n| sing along | `transcript.lrc` | `lrc` |\n\n" in guide
    example = "## Sing along: `transcript.lrc`\n\n```text\n[480]Good evening, and welcome.\n[2640]Tonight, "
    assert guide.index("## Scoring speakers") < guide.index(example) < guide.index("## Speakers\n")
    assert " and `transcript.lrc` (`lrc`) ([more formats]" in output_files.readme()
