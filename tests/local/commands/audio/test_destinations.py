"""Where outputs are put: what is refused before any work is done, and the order on standard output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from local.backend.embedded_ports import open_ports
from local.commands.audio.destinations import Beside, InFolders, ToStdout
from local.runtime.submission import InputFile
from shared.errors import BadRequest, CannotWrite
from shared.model import Options, Recording, StoredObject
from shared.settings import Settings


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    yield ports
    ports.close()


@pytest.fixture
def ended(ports, tmp_path):
    """Makes an input and its recording with a text, or one that failed."""

    def ended(name, text=None):
        output = f"files/{name}/1/transcript.txt"
        if text is not None:
            ports.store.create("transcripts", output, text.encode(), "text/plain")
        path = tmp_path / name
        source = StoredObject(bucket="files", name=str(path).lstrip("/"), generation=1, size=1)
        recording = Recording(
            id=name, source=source, options=Options(), created=0.0, outputs=(output,), state="DONE" if text is not None else "FAILED",
        )  # fmt: skip
        file = InputFile(path=path, output=Path(name))
        return SimpleNamespace(file=file, source=source), recording

    return ended


def test_standard_output_has_the_order_of_the_command_line_whatever_ends_first(ports, ended, capsysbinary):
    endings = {name: ended(name, text) for name, text in (("a", "A\n"), ("b", None), ("c", "C\n"))}
    stdout = ToStdout(["txt"], ports)
    stdout.check([one.file for one, _ in endings.values()])
    assert stdout.put(*endings["c"]) is not None
    assert capsysbinary.readouterr().out == b""
    stdout.put(*endings["a"])
    assert capsysbinary.readouterr().out == b"A\n"
    assert stdout.put(*endings["b"]) is None
    assert capsysbinary.readouterr().out == b"C\n"


@pytest.mark.parametrize("formats", [["csv"], ["srt", "vtt"], []])
def test_standard_output_takes_one_file(ports, formats):
    with pytest.raises(BadRequest, match="Standard output takes one file"):
        ToStdout(formats, ports)


def test_captions_of_several_recordings_are_not_printed_in_a_row(ports, ended):
    files = [ended(name)[0].file for name in ("a", "b")]
    ToStdout(["json"], ports).check(files)
    ToStdout(["srt"], ports).check(files[:1])
    with pytest.raises(BadRequest, match=r"one recording as srt, not 2.*one of json, txt, md"):
        ToStdout(["srt"], ports).check(files)


def test_a_document_is_not_printed_on_a_terminal(ports, ended, monkeypatch):
    files = [ended("a")[0].file]
    ToStdout(["docx"], ports).check(files)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ToStdout(["txt"], ports).check(files)
    with pytest.raises(BadRequest, match="Redirect it"):
        ToStdout(["docx"], ports).check(files)


def test_beside_needs_a_file_here_and_a_folder_that_can_be_written(ports, tmp_path):
    with pytest.raises(BadRequest, match="stdin is not a file here"):
        Beside(["transcript.srt"], ports).check(
            [InputFile(path=tmp_path / "x" / "stdin", output=Path("stdin"), is_here=False)]
        )
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite):
        Beside(["transcript.srt"], ports).check(
            [InputFile(path=tmp_path / "file" / "talk.mp3", output=Path("talk.mp3"))]
        )


def test_files_of_one_name_in_one_run_keep_their_endings_beside(ports, ended, tmp_path):
    endings = [ended("talk.mp3", "sound"), ended("talk.mp4", "film"), ended("other.mp3", "other")]
    beside = Beside(["transcript.txt"], ports)
    beside.check([one.file for one, _ in endings])
    placed = [beside.put(*one).files for one in endings]
    assert placed == [
        (tmp_path / "talk.mp3.txt",), (tmp_path / "talk.mp4.txt",), (tmp_path / "other.txt",),
    ]  # fmt: skip


def test_a_folder_that_holds_the_recording_takes_its_outputs(ports, ended, tmp_path):
    one, recording = ended("talk.mp3", "text")
    one.file.path.write_bytes(b"sound")
    folders = InFolders(tmp_path, ["transcript.txt"], ports)
    folders.check([one.file])
    placed = folders.put(one, recording)
    assert placed.files == (tmp_path / "talk.mp3.transcript" / "transcript.txt",)
    assert one.file.path.read_bytes() == b"sound"
    assert folders.put(one, recording) == placed


def test_one_folder_is_named_and_of_several_the_one_above(ports, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folders = InFolders(Path("out"), ["transcript.txt"], ports)
    assert folders.where([Path("out/a")]) == "Transcripts: out/a/ (transcript.txt)"
    assert folders.where([Path("out/a"), Path("out/b")]) == "Transcripts: out/FILE/ (transcript.txt)"
    assert Beside(["transcript.srt"], ports).where([]) == "Transcripts: beside each file (FILE.srt)"
