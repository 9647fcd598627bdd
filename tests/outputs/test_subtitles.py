"""What is written is read back by FFmpeg, whose parsers are those of most players."""

import html
import io
import re

import av
import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from shared.outputs.captions import Caption, captions
from shared.outputs.segments import sentences
from shared.outputs.subtitles import transcript_srt, transcript_vtt
from tests.outputs.streams import NASTY, any_stream, conversation

LOOKS_ALIKE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"


def ffmpeg(data: bytes, kind: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and text, of every caption in a file."""
    with av.open(io.BytesIO(data), format=kind) as file:
        return [
            (packet.pts, packet.pts + packet.duration, bytes(packet).decode())
            for packet in file.demux(file.streams.subtitles[0])
            if packet.pts is not None
        ]


def cut(words):
    return captions(words, sentences(words))


def harmless(text):
    """A text without commands of players."""
    return re.sub(r"\{(?=\\|[A-Za-z]:)", "(", text)


def harmless_in_srt(text):
    """The same where tags cannot be escaped."""
    return re.sub(r"<(?=[A-Za-z/!?])", LOOKS_ALIKE, harmless(text).replace("-->", "→"))


def shown(found, as_written=harmless):
    return [(one.start, one.end, as_written("\n".join(one.lines))) for one in found]


def labelled(found):
    return [
        (start, end, one.label + text)
        for one, (start, end, text) in zip(found, shown(found, harmless_in_srt), strict=True)
    ]


def voiced(found):
    voices = ["" if one.speaker is None else f"<v Speaker {one.speaker}>" for one in found]
    return [
        (start, end, voice + text) for voice, (start, end, text) in zip(voices, shown(found), strict=True)
    ]


TWO = [
    Caption(start=1, end=1500, lines=("Tom & Jerry,", "a <3 b")),
    Caption(start=360_002_600, end=360_003_000, lines=("{\\an8}",)),
]


def test_srt_is_written_with_commas_numbers_and_unescaped_text():
    assert transcript_srt(TWO).decode() == (
        "1\n00:00:00,001 --> 00:00:01,500\nTom & Jerry,\na <3 b\n\n"
        "2\n100:00:02,600 --> 100:00:03,000\n(\\an8}\n\n"
    )


def test_vtt_is_written_with_dots_a_header_comments_and_escaped_text():
    assert transcript_vtt(TWO, ["It stops\nat 40 s --> there.", " "]).decode() == (
        "WEBVTT\n\nNOTE It stops at 40 s → there.\n\n"
        "00:00:00.001 --> 00:00:01.500\nTom &amp; Jerry,\na &lt;3 b\n\n"
        "100:00:02.600 --> 100:00:03.000\n(\\an8}\n"
    )


def test_a_speaker_is_named_once_in_srt_and_is_the_voice_of_every_cue_in_vtt():
    found = [
        Caption(start=1000, end=2000, lines=("Who is", "there?"), speaker=1, label="Speaker 1: "),
        Caption(start=2000, end=3000, lines=("Hm.",), speaker=1),
        Caption(start=3000, end=4000, lines=("I am <3.",), speaker=2, label="Speaker 2: "),
    ]
    assert transcript_srt(found).decode() == (
        "1\n00:00:01,000 --> 00:00:02,000\nSpeaker 1: Who is\nthere?\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nHm.\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nSpeaker 2: I am <3.\n\n"
    )
    assert transcript_vtt(found, []).decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Speaker 1>Who is\nthere?\n\n"
        "00:00:02.000 --> 00:00:03.000\n<v Speaker 1>Hm.\n\n"
        "00:00:03.000 --> 00:00:04.000\n<v Speaker 2>I am &lt;3.\n"
    )
    read = webvtt.from_string(transcript_vtt(found, []).decode(), strict=True).captions
    assert [(one.voice, one.text) for one in read] == [
        ("Speaker 1", "Who is\nthere?"),
        ("Speaker 1", "Hm."),
        ("Speaker 2", "I am &lt;3."),
    ]


def test_without_captions_srt_is_empty_and_vtt_is_its_header():
    assert transcript_srt([]) == b""
    assert list(srt.parse("")) == []
    assert transcript_vtt([], []) == b"WEBVTT\n"
    assert transcript_vtt([], ["No speech."]).decode().startswith("WEBVTT\n\nNOTE No speech.")
    assert webvtt.from_string(transcript_vtt([], ["No speech."]).decode()).captions == []


@pytest.mark.parametrize("text", NASTY)
def test_a_word_that_looks_like_markup_is_read_back_as_text(text):
    found = [
        Caption(start=1000, end=2000, lines=("it is", text)),
        Caption(start=2000, end=3000, lines=(text,)),
    ]
    (_, _, first), (_, _, second) = ffmpeg(transcript_vtt(found, []), "webvtt")
    assert (html.unescape(first), html.unescape(second)) == (f"it is\n{harmless(text)}", harmless(text))
    in_srt = harmless_in_srt(text)
    assert [text for _, _, text in ffmpeg(transcript_srt(found), "srt")] == [f"it is\n{in_srt}", in_srt]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<b>", "</i>", "<!--", "<?x", "{\\an8}", "{y:i}", "{\\pos(1,2)}"]
)
def test_no_player_and_no_web_page_finds_markup_in_a_word(text):
    found = [Caption(start=1000, end=2000, lines=(text, f"a{text}"))]
    for written in (transcript_srt(found).decode(), transcript_vtt(found, []).decode()):
        assert re.findall(r"<[A-Za-z/!?]|\{\\|\{[A-Za-z]:", written) == []


def test_what_is_no_markup_stays():
    found = [Caption(start=1000, end=2000, lines=("a <3 b > c", "{x} {} } {"))]
    assert "a <3 b > c\n{x} {} } {" in transcript_srt(found).decode()


@given(any_stream | conversation)
def test_ffmpeg_reads_the_captions_back_from_srt(words):
    found = cut(words)
    data = transcript_srt(found)
    assert (ffmpeg(data, "srt") if data else []) == labelled(found)


@given(any_stream | conversation, st.lists(st.text(max_size=40), max_size=3))
def test_ffmpeg_reads_the_captions_back_from_vtt_whatever_the_warnings(words, warnings):
    found = cut(words)
    read = ffmpeg(transcript_vtt(found, warnings), "webvtt")
    assert [(start, end, html.unescape(text)) for start, end, text in read] == voiced(found)


@given(any_stream | conversation)
def test_strict_parsers_accept_both_files(words):
    found = cut(words)
    read = list(srt.parse(transcript_srt(found).decode()))
    assert [one.index for one in read] == list(range(1, len(found) + 1))
    assert len(webvtt.from_string(transcript_vtt(found, []).decode(), strict=True).captions) == len(found)
