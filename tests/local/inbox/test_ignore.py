"""Files that somebody still writes are not taken."""

from __future__ import annotations

import os
import threading

import pytest

from local.inbox.ignore import has_writer, is_something_else
from shared.audio.containers import SUFFIXES
from shared.formats import file_names


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux tells")
def test_writer_of_another_descriptor_is_noticed_until_it_closes(tmp_path):
    with (tmp_path / "x").open("wb"):
        assert has_writer(tmp_path / "x")
    assert not has_writer(tmp_path / "x")
    with (tmp_path / "x").open("rb"):
        assert not has_writer(tmp_path / "x")


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux tells")
def test_writer_that_comes_while_we_look_does_not_end_the_process(tmp_path):
    """The system sends the holder of a lease a signal; the default one would be deadly."""
    path = tmp_path / "x"
    path.write_bytes(b"")
    stop = threading.Event()

    def write_often():
        while not stop.is_set():
            path.write_bytes(b"x")

    writers = [threading.Thread(target=write_often) for _ in range(2)]
    for writer in writers:
        writer.start()
    answers = {has_writer(path) for _ in range(2000)}
    stop.set()
    for writer in writers:
        writer.join()
    assert answers <= {True, False}
    assert not has_writer(path)


@pytest.mark.parametrize(
    "name", ["readme.txt", "NOTES.TXT", "cover.jpg", "invoice.pdf", "page.html", "x.zip", *file_names()]
)
def test_a_name_of_something_else_is_told(name):
    assert is_something_else(name)


@pytest.mark.parametrize(
    "name", ["call-17", "talk.dat", "talk.bin", *(f"TALK{one}" for one in sorted(SUFFIXES))]
)
def test_a_name_of_media_or_of_nothing_in_particular_is_not_something_else(name):
    assert not is_something_else(name)
