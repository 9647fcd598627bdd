"""Standard input and web addresses on the command line."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from local.backend.incoming import Incoming
from local.commands.audio.sources import Sources, check_name, comes_from_elsewhere
from shared.adapters.web.download import Download
from shared.errors import BadRequest, NotFound, OverLimit
from shared.settings import Settings
from tests.https_server import https_server, ok


class Stdin:
    """Standard input with some bytes, which is a terminal or not."""

    def __init__(self, data, *, terminal=False):
        self.buffer = io.BytesIO(data)
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.fixture
def heard():
    return []


@pytest.fixture
def sources(tmp_path, heard):
    """Makes sources of a name and settings."""
    with Incoming(tmp_path / "state") as incoming:

        def make(name="", *, fetch=None, **settings):
            given = replace(Settings(), **settings)
            return Sources(incoming, given, lambda *said: heard.append(said), name=name, fetch=fetch)

        yield make


@pytest.mark.parametrize(
    ("argument", "elsewhere"),
    [
        ("-", True), ("https://a.example/x", True), ("gs://b/x", True), ("s3://b/x", True),
        ("./-", False), ("talk.mp3", False), ("file:///tmp/x.mp3", False), ("a:b.mp3", False),
    ],
)  # fmt: skip
def test_what_comes_from_elsewhere(argument, elsewhere):
    assert comes_from_elsewhere(argument) is elsewhere


def test_standard_input_is_a_recording_with_a_name(sources, monkeypatch, heard):
    monkeypatch.setattr(sys, "stdin", Stdin(b"sound"))
    path = sources()("-")
    assert (path.name, path.read_bytes()) == ("stdin", b"sound")
    assert heard[-1] == ("stdin", 5, None)
    monkeypatch.setattr(sys, "stdin", Stdin(b"sound"))
    assert sources("call.wav")("-").name == "call.wav"


def test_a_terminal_is_no_recording(sources, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stdin(b"", terminal=True))
    with pytest.raises(BadRequest, match="Pipe a recording into it"):
        sources()("-")


def test_standard_input_that_is_too_large_is_refused_with_the_setting(sources, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stdin(b"x" * 2000))
    with pytest.raises(OverLimit, match=r"larger than 1 kB \(DROPSCRIBE_MAX_FILE_GB\)"):
        sources(max_file_gb=1e-6)("-")


def test_an_address_is_a_recording_named_after_its_last_part(sources, tmp_path, heard):
    with https_server(tmp_path) as server:
        server.answers["/a/talk%20one.mp3"] = ok(b"sound")
        fetch = Download(most_bytes=1000, **server.way)
        path = sources(fetch=fetch)(server.url("/a/talk%20one.mp3?sig=1"))
    assert (path.name, path.read_bytes()) == ("talk one.mp3", b"sound")
    assert heard[-1] == ("talk one.mp3", 5, 5)


def test_what_an_address_does_not_give_leaves_nothing(sources, tmp_path):
    with https_server(tmp_path) as server:
        fetch = Download(most_bytes=1000, **server.way)
        with pytest.raises(NotFound):
            sources(fetch=fetch)(server.url("/gone.mp3"))
    assert list((tmp_path / "state" / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("gs://calls/a.mp3", r"`dropscribe submit gs://calls/a\.mp3`; or copy it with `gcloud storage cp`"),
        ("s3://calls/a.mp3", "s3:// is not supported"),
        ("http://a.example/a.mp3", "Give an https:// address"),
        ("https://127.0.0.1/a.mp3", "not a public address"),
        ("https://169.254.169.254/computeMetadata/v1/", "not a public address"),
    ],
)
def test_what_is_not_fetched_says_what_to_do(sources, argument, said):
    with pytest.raises(BadRequest, match=said):
        sources()(argument)


def test_a_name_is_for_one_recording_from_elsewhere():
    check_name("", ["a.mp3", "b.mp3"])
    check_name("x", ["-"])
    check_name("x", ["https://a.example/"])
    for arguments in (["a.mp3"], ["-", "a.mp3"]):
        with pytest.raises(BadRequest, match=r"--name names .*: give that alone, or leave --name out"):
            check_name("x", arguments)
