"""What owners are told names what is wrong and what to do."""

import gzip

import pytest

from shared.audio.probing.notices import check_track, damage, falls_short, no_audio, not_media, stops_early
from shared.errors import BadMedia


@pytest.mark.parametrize(
    ("head", "name", "says"),
    [
        (b"#EXTM3U\n", "a.mp3", "playlist"),
        (b"  <!doctype html>", "a.mp3", "web page"),
        (gzip.compress(b"sound", mtime=0), "a.wav", "Content-Encoding: gzip"),
        (b"just words", "folder.x/a.mp3", "text, although its name ends in .mp3"),
        (b"just words", "folder.x/a", "This is text."),
        (b"\x00\x01\x02", "a.wav", "not a readable audio or video file"),
    ],
)
def test_the_refusal_names_what_it_is(head, name, says):
    error = not_media(head, name)
    assert error.code == "not-media"
    assert says in str(error)


def test_tracks_are_checked():
    check_track(1, 2)
    with pytest.raises(BadMedia, match="Choose track 0"):
        check_track(1, 1)
    with pytest.raises(BadMedia, match="Choose one from 0 to 2"):
        check_track(-1, 3)


def test_a_silent_film_has_no_audio_track():
    for track in (0, 1):
        with pytest.raises(BadMedia, match="no audio track") as raised:
            check_track(track, 0)
        assert raised.value.code == no_audio().code == "no-audio"


def test_warnings_say_where_and_how_much():
    assert falls_short(12_000, 3_000).startswith(
        "the header promises 12,000 bytes but the file ends after 3,000"
    )
    assert stops_early(4.04, 8.0) == "the audio stops at 4.0 s, the header promised 8.0 s"
    assert damage([2.5]) == "1 damaged place was replaced by silence, at 2.5 s"
    assert damage([2.5, 7.0]) == "2 damaged places were replaced by silence, the first at 2.5 s"
