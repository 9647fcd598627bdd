import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy import wer
from gpu_job.speech.onnx import onnx_engine
from local.evaluation.accuracy import normaliser, total
from local.evaluation.corpus import Entry
from tests.deepgram_server import KEY, deepgram_server
from tests.speech import sentences, write_media, write_wav

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def engine():
    return onnx_engine.load("tiny")


def test_generated_speech_has_the_length_asked_for_in_recordings_of_half_an_hour_at_most(tmp_path):
    found = wer.generated(31, 3, tmp_path)
    sizes = [one.audio.stat().st_size for one in found]
    assert sizes == [44 + 31 * 30 * 16_000 * 2] * 2
    assert len({one.text for one in found}) == 2


def test_chunks_have_seams_and_one_piece_has_none(tmp_path, engine):
    spoken = wer.generated(0.75, 1, tmp_path)
    ways = [("ONNX", engine)]
    rows = list(wer.rows(spoken, ways, normaliser(), "tiny", [10.0, 1 / 3]))
    assert [(row.chunks, row.seams.seams) for row in rows] == [("one piece", 0), ("20 s", 2)]
    assert all(total(row.errors).rate < 0.1 for row in rows)
    assert total(rows[0].errors).words == total(rows[1].errors).words > 50
    assert rows[0].seconds == pytest.approx(45, abs=0.1)


def test_stretches_of_recordings_are_scored_one_by_one(tmp_path, engine):
    first, second = sentences()[0], sentences()[1]
    samples = np.concatenate([first.samples, np.zeros(8000, np.int16), second.samples])
    write_media(tmp_path / "both.mp3", samples)
    start = (len(first.samples) + 4000) / 16_000
    entries = [
        {"audio_filepath": "both.mp3", "text": first.text, "offset": 0.0, "duration": start},
        {"audio_filepath": "both.mp3", "text": second.text, "offset": start},
    ]
    manifest = tmp_path / "manifest.json"
    manifest.write_text("\n".join(map(json.dumps, entries)))
    folder = tmp_path / "cut"
    folder.mkdir()
    spoken = wer.read(wer.parse(["--data", str(manifest)]), folder)
    assert [one.audio.parent for one in spoken] == [folder, folder]
    heard, _ = wer.transcribe(spoken, engine, model="tiny", minutes=wer.WHOLE)
    assert [one.text for one in heard] == [first.text, second.text]


def test_recordings_that_are_cut_by_bytes_are_decoded_first_so_that_seams_have_exact_times(tmp_path):
    write_media(tmp_path / "talk.mp3", sentences()[0].samples)
    (tmp_path / "manifest.json").write_text('{"audio_filepath": "talk.mp3", "text": "words"}')
    folder = tmp_path / "cut"
    folder.mkdir()
    [one] = wer.read(wer.parse(["--data", str(tmp_path)]), folder)
    assert (one.audio.parent, one.audio.suffix, one.text) == (folder, ".wav", "words")


def test_words_where_nobody_transcribed_are_not_scored(engine):
    spoken = Entry(audio=Path("talk.wav"), text="good morning", unscored=((5.0, 9.0),))
    heard = wer.Heard(words=(("good", 1, 2), ("morning", 2, 3), ("hello", 6, 7)))
    assert total(wer.judge([spoken], [heard], normaliser())).total == 0


def test_deepgram_is_left_out_without_a_key_and_without_agreement(monkeypatch, capsys):
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    assert wer.deepgram([], 3600.0, None, "tiny", yes=True) is None
    assert "DEEPGRAM_API_KEY is not set" in capsys.readouterr().err
    monkeypatch.setenv("DEEPGRAM_API_KEY", "secret")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert wer.deepgram([], 3600.0, None, "tiny", yes=False) is None
    shown = capsys.readouterr().err
    assert "about $0.4620 for 60.0 minutes" in shown
    assert "--yes" in shown


def test_deepgrams_row_comes_from_the_whole_flow_and_its_price_is_said_before(tmp_path, monkeypatch, capsys):
    spoken = wer.generated(0.25, 1, tmp_path)
    with deepgram_server() as server:
        monkeypatch.setenv("DROPSCRIBE_DEEPGRAM_URL", server.url)
        monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
        row = wer.deepgram(spoken, 15.0, normaliser(), "tiny", yes=True)
    assert "about $0.0019 for 0.2 minutes" in capsys.readouterr().err
    assert (row.engine, row.chunks, len(server.asked)) == ("Deepgram", "one piece", 1)
    # The server hears two words a second that nobody said.
    errors = total(row.errors)
    assert errors.words == errors.substitutions > 5


def test_it_runs_as_a_part_of_the_benchmarks(tmp_path):
    write_wav(tmp_path / "a.wav", sentences()[0].samples)
    (tmp_path / "manifest.json").write_text(
        json.dumps({"audio_filepath": "a.wav", "text": sentences()[0].text})
    )
    command = [sys.executable, "-m", "bench", "wer", "--data", str(tmp_path), "--model", "tiny"]
    done = subprocess.run(
        [*command, "--no-nemo", "--json"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    [row] = json.loads(done.stdout)
    assert (row["engine"], row["chunks"]) == ("ONNX", "one piece")
    assert row["words"] == len(normaliser()(sentences()[0].text).split())
    assert row["low"] <= row["rate"] <= row["high"]


def test_a_path_that_is_not_there_is_answered_with_one_line():
    command = [sys.executable, "-m", "bench.accuracy.wer", "--data", "/nothing/here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.startswith("bench wer: There is no file or folder /nothing/here")


def test_an_unknown_part_is_answered_with_the_known_ones():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "words"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 2
    assert "There are: speed, " in done.stderr
    assert ", wer." in done.stderr
