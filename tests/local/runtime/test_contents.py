"""A file that was renamed after it was transcribed is known by its content, and nothing else is."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gpu_job.weights.catalogue import TINY
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import contents, submission
from shared.model import Options
from shared.settings import Settings
from shared.state import documents

OPTIONS = Options(model=TINY)


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", model=TINY))
    yield ports
    ports.close()


def look(ports, *paths, options=OPTIONS):
    return submission.look(inputs.collect([str(one) for one in paths]).files, options, ports)


def transcribed(ports, path, data=b"RIFF of a talk", state="DONE"):
    """Key of the recording of a file that an earlier run has ended."""
    path.write_bytes(data)
    [one] = look(ports, path)
    submission.submit([one], ports)
    documents.change_recording(ports, one.key, lambda stored: replace(stored, state=state))
    return one.key


def test_a_renamed_and_a_moved_file_are_not_transcribed_again(ports, tmp_path):
    talk = tmp_path / "talk.wav"
    key = transcribed(ports, talk)
    (tmp_path / "sub").mkdir()
    renamed = talk.rename(tmp_path / "sub" / "Talk of Monday.wav")
    [one] = look(ports, renamed)
    assert (one.key, one.skipped, one.file.path.name) == (key, True, "Talk of Monday.wav")
    assert one.known_as.endswith("talk.wav")


@pytest.mark.parametrize("what", ["content", "time", "options", "state", "deleted"])
def test_what_differs_in_anything_is_transcribed(ports, tmp_path, what):
    talk = tmp_path / "talk.wav"
    key = transcribed(ports, talk, state="FAILED" if what == "state" else "DONE")
    stamp = talk.stat().st_mtime_ns
    renamed = talk.rename(tmp_path / "renamed.wav")
    if what == "content":
        renamed.write_bytes(b"RIFF of a walk")
    os.utime(renamed, ns=(stamp, stamp + (1_000_000 if what == "time" else 0)))
    if what == "deleted":
        documents.change_recording(ports, key, lambda stored: replace(stored, state="DELETED"))
    options = replace(OPTIONS, language="en") if what == "options" else OPTIONS
    [one] = look(ports, renamed, options=options)
    assert (one.skipped, one.known_as) == (False, "")
    assert one.key != key


def test_of_two_files_with_one_content_each_has_a_recording(ports, tmp_path):
    talk = tmp_path / "talk.wav"
    key = transcribed(ports, talk)
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(talk.read_bytes())
        os.utime(tmp_path / name, ns=(0, talk.stat().st_mtime_ns))
    found = look(ports, talk, tmp_path / "a.wav", tmp_path / "b.wav")
    assert len({one.key for one in found}) == 3
    assert [one.key == key for one in found] == [True, False, False]
    talk.unlink()
    assert [one.skipped for one in look(ports, tmp_path / "a.wav", tmp_path / "b.wav")] == [True, False]


def test_of_a_large_file_some_places_are_read(ports, tmp_path):
    path = tmp_path / "long.wav"
    path.write_bytes(b"")
    os.truncate(path, contents.WHOLE + 1)
    parts = contents._parts(path.stat().st_size)
    assert parts[0] == (0, contents.ENDS)
    assert sum(parts[-1]) == path.stat().st_size
    assert sum(length for _, length in parts) < contents.WHOLE
    assert all(start + length <= path.stat().st_size for start, length in parts)
    key = transcribed(ports, path, bytes(contents.WHOLE + 1))
    [one] = look(ports, path.rename(tmp_path / "renamed.wav"))
    assert one.key == key
