"""The notebook for Colab, run from its first cell to its last one, with a folder in place of the Drive."""

from __future__ import annotations

import ast
import json
import shutil
import sys

import pytest

from tests.test_architecture import ROOT

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
NOTEBOOK = ROOT / "notebooks" / "dropscribe.ipynb"
SAMPLES = ROOT / "samples"


def source(name):
    cells = {one["id"]: "".join(one["source"]) for one in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]}
    return cells[name]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Gives `run()`: what the cells of the notebook print, by their ids."""
    monkeypatch.setenv("PYTHONPATH", ":".join([str(ROOT), *filter(None, sys.path)]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)

    def run():
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        [settings] = [one for one in notebook.cells if "parameters" in one.metadata.get("tags", ())]
        settings.source += f'\nDRIVE, STATE, MODEL = "{tmp_path / "drive"}", "{tmp_path / "state"}", "tiny"'
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        return {
            one.id: "".join(part.get("text", "") for part in one.outputs)
            for one in notebook.cells
            if one.cell_type == "code"
        }

    return run


@pytest.mark.long
@pytest.mark.slow
def test_a_folder_is_transcribed_and_after_a_disconnect_nothing_is_done_again(run, tmp_path):
    assert "0 transcripts" in (said := run())["results"]
    assert "Put recordings into" in said["drive"]
    folder = tmp_path / "drive" / "Recordings"
    shutil.copy(SAMPLES / "voice-note.opus", folder)
    (folder / "bad.mp3").write_text("no sound", "utf-8")
    said = run()
    assert "2 files in" in said["drive"]
    assert "100 %  transcribe  voice-note.opus" in said["run"]
    assert "done        voice-note.opus: 54 words" in said["run"]
    assert "FAILED" in said["run"]
    assert "bad.mp3" in said["run"]
    assert "1 transcripts in" in said["results"]
    assert "my brother lost the ticket" in said["results"]
    out = tmp_path / "drive" / "Transcripts"
    assert {path.name for path in (out / "voice-note.opus").iterdir()} == {
        "transcript.txt", "transcript.srt", "transcript.json", "words.csv", "paragraphs.csv",
    }  # fmt: skip
    shutil.rmtree(tmp_path / "state")
    said = run()
    assert "done        voice-note.opus: 54 words" in said["run"]
    assert "%  transcribe" not in said["run"]


def test_it_holds_no_output_and_its_settings_are_plain_values():
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    code = [one for one in notebook["cells"] if one["cell_type"] == "code"]
    assert [(one["outputs"], one["execution_count"]) for one in code] == [([], None)] * len(code)
    names = [ast.unparse(one.targets[0]) for one in ast.parse(source("settings")).body]
    assert names == ["FOLDER", "OUT", "MODEL", "OPTIONS", "FORMATS", "PACKAGE", "DRIVE", "STATE"]
