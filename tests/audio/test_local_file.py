"""Recordings on this disk are read and decoded as a whole."""

import pytest

from shared.audio.local_file import LocalFile, decode_whole
from shared.errors import BadMedia
from tests.audio.media import of_format


def test_a_file_gives_what_is_asked_for(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    file = LocalFile(path)
    assert (file.size, file.read(3, 4), file.read(8, 4)) == (10, b"3456", b"89")


def test_a_recording_is_decoded_from_its_first_to_its_last_sample(tmp_path, sandbox):
    path = tmp_path / "a.flac"
    path.write_bytes(of_format("flac"))
    assert len(decode_whole(path, sandbox)) == 2 * 16_000 * 8


def test_what_is_no_recording_is_refused(tmp_path, sandbox):
    path = tmp_path / "a.txt"
    path.write_bytes(b"words " * 100)
    with pytest.raises(BadMedia):
        decode_whole(path, sandbox)
