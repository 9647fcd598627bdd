"""`dropscribe transcribe` as a person runs it, on files good and bad."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from gpu_job import last_resort
from local import cli
from local.backend.embedded_ports import LocalPorts, open_ports
from local.commands import downloads
from local.runtime import one_shot, submission
from local.runtime.events import object_resource
from local.runtime.push import PushLoop
from shared import client
from shared.audio.sandbox import process
from shared.flow import record
from shared.messages import AUDIO_FINALIZED
from shared.settings import Settings
from shared.state import documents
from tests.speech import talk, write_media

SAMPLES = Path(__file__).resolve().parents[4] / "samples"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Calls the command in this process with a state of its own; gives the result and the JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))

    def call(*arguments, model="tiny"):
        chosen = ["--model", model] if model else []
        result = CliRunner().invoke(cli.app, ["transcribe", *map(str, arguments), *chosen, "--json"])
        lines = json.loads(result.stdout) if result.stdout else None
        return result, lines

    return call


def test_nothing_waits_for_an_up_after_all_is_transcribed(run, monkeypatch):
    """Often the last recordings have ended before the news of it is taken from the queue: here always."""

    def loop(*given):
        made = PushLoop(*given)
        if "exporter" in given:
            made.start = lambda: None
        return made

    monkeypatch.setattr(one_shot, "PushLoop", loop)
    result, _ = run(SAMPLES / "voice-note.opus", SAMPLES / "order-hotline.m4a")
    assert result.exit_code == 0
    status = CliRunner().invoke(cli.app, ["status"]).stdout
    assert "2 done" in status
    assert "waiting" not in status


def test_a_file_becomes_six_files_and_exit_code_0(run, tmp_path):
    result, lines = run(SAMPLES / "voice-note.opus")
    assert result.exit_code == 0
    assert lines[0]["state"] == "DONE"
    assert lines[0]["words"] > 40
    assert lines[0]["deepgram_usd"] == pytest.approx(lines[0]["duration"] / 60 * 0.0043, abs=1e-6)
    names = {path.name for path in (tmp_path / "transcripts" / "voice-note.opus").iterdir()}
    assert names == {
        "transcript.json", "words.csv", "paragraphs.csv", "transcript.srt", "transcript.vtt", "transcript.txt",
    }  # fmt: skip


@pytest.mark.usefixtures("own_decoders")
def test_a_short_file_by_itself_is_decoded_by_one_process(run, monkeypatch):
    started, start = [], process.start
    monkeypatch.setattr(process, "start", lambda: started.append(start()) or started[-1])
    assert run(SAMPLES / "voice-note.opus")[0].exit_code == 0
    assert len(started) == 1


def test_a_second_run_repeats_nothing_and_gives_the_same_bytes(run, tmp_path):
    run(SAMPLES / "voice-note.opus")
    before = (tmp_path / "transcripts" / "voice-note.opus" / "transcript.json").read_bytes()
    shutil.rmtree(tmp_path / "transcripts")
    result, lines = run(SAMPLES / "voice-note.opus")
    assert result.exit_code == 0
    assert lines[0]["skipped"]
    assert (tmp_path / "transcripts" / "voice-note.opus" / "transcript.json").read_bytes() == before


def test_the_json_is_what_its_schema_says(run, tmp_path):
    run(SAMPLES / "voice-note.opus")
    schema = json.loads((SAMPLES.parent / "docs" / "transcript.schema.json").read_text())
    document = json.loads((tmp_path / "transcripts" / "voice-note.opus" / "transcript.json").read_text())
    jsonschema.validate(document, schema)
    assert document["source"]["uri"] == f"file://{SAMPLES / 'voice-note.opus'}"


def test_one_file_that_cannot_be_looked_at_does_not_stop_the_others(run, tmp_path):
    shutil.copy(SAMPLES / "voice-note.opus", tmp_path / "%=x.opus")
    result, lines = run(tmp_path / "%=x.opus", SAMPLES / "voice-note.opus")
    assert result.exit_code == 1
    assert [one["state"] for one in lines] == ["FAILED", "DONE"]
    assert "Rename it" in lines[0]["reason"]


def test_a_mistake_about_one_file_does_not_stop_the_others(run, tmp_path, monkeypatch):
    look = LocalPorts.file

    def odd(ports, path):
        if path.name == "odd.opus":
            raise ValueError("no such time")
        return look(ports, path)

    monkeypatch.setattr(LocalPorts, "file", odd)
    (tmp_path / "calls").mkdir()
    for name in ("odd.opus", "good.opus"):
        shutil.copyfile(SAMPLES / "voice-note.opus", tmp_path / "calls" / name)
    result, lines = run(tmp_path / "calls")
    assert result.exit_code == 1
    assert {one["file"]: one["state"] for one in lines} == {"good.opus": "DONE", "odd.opus": "FAILED"}
    assert "no such time" in next(one["reason"] for one in lines if one["reason"])


@pytest.mark.parametrize("seconds", [-150_000_000, 0, 10**12])
def test_a_file_is_transcribed_whatever_its_time_of_change(run, tmp_path, seconds):
    file = tmp_path / "old.opus"
    shutil.copyfile(SAMPLES / "voice-note.opus", file)
    os.utime(file, (seconds, seconds))
    result, lines = run(file)
    assert (result.exit_code, [one["state"] for one in lines]) == (0, ["DONE"])


def test_a_run_ends_with_the_reason_if_the_router_cannot_take_a_recording(run, tmp_path, monkeypatch):
    """Whatever the router's reason is."""
    known = submission.object_resource

    def damaged(source):
        return b"{}" if source.name.endswith("odd.opus") else known(source)

    monkeypatch.setattr(submission, "object_resource", damaged)
    shutil.copyfile(SAMPLES / "voice-note.opus", tmp_path / "odd.opus")
    result, lines = run(tmp_path / "odd.opus", SAMPLES / "voice-note.opus")
    assert (result.exit_code, [one["state"] for one in lines]) == (1, ["FAILED", "DONE"])
    assert "not a Cloud Storage object" in lines[0]["reason"]
    letters = CliRunner().invoke(cli.app, ["dead-letters", "list", "--json"]).stdout
    assert len(json.loads(letters)) == 1


def test_weights_are_not_fetched_for_files_none_of_which_can_be_looked_at(run, tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(downloads, "locate_or_do_without", lambda name, *_: fetched.append(name))
    shutil.copy(SAMPLES / "voice-note.opus", tmp_path / "%=x.opus")
    result, lines = run(tmp_path / "%=x.opus")
    assert (result.exit_code, [one["state"] for one in lines], fetched) == (1, ["FAILED"], [])


def test_each_failure_is_said_once(tmp_path):
    (tmp_path / "text.mp3").write_text("This is not sound. " * 100)
    command = [sys.executable, "-m", "local.cli", "transcribe", tmp_path / "text.mp3", "--model", "tiny"]
    command += ["--state-dir", tmp_path / "state", "--out", tmp_path / "out"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert result.stderr.count("This is text") == 1
    assert result.stdout.count("This is text") == 1


@pytest.mark.slow
def test_another_run_on_the_same_files_that_is_stopped_does_not_hang_this_one(tmp_path):
    speech, _ = talk(120, seed=6)
    write_media(tmp_path / "long.wav", speech)
    command = [sys.executable, "-m", "local.cli", "transcribe", tmp_path / "long.wav", "--model", "tiny"]
    command += ["--state-dir", tmp_path / "state"]
    environment = os.environ | {"CHUNK_DURATION_MINUTES": "0.1", "MAX_CONCURRENT_CHUNKS": "1"}
    runs = [
        subprocess.Popen([*command, "--out", tmp_path / name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]  # fmt: skip
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    deadline = time.monotonic() + 60
    try:
        while ports.records.count(documents.CHUNKS) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        runs[0].send_signal(signal.SIGINT)
        _, said = runs[0].communicate(timeout=30)
        assert runs[0].returncode in {0, 130}, said
        _, said = runs[1].communicate(timeout=60)
        assert runs[1].returncode == 0, said
    finally:
        ports.close()
        for run in runs:
            run.kill()
            run.communicate()
    assert (tmp_path / "b" / "long.wav" / "transcript.txt").is_file()


def test_a_format_that_is_named_twice_is_printed_once(run):
    run(SAMPLES / "voice-note.opus")
    arguments = ["transcribe", str(SAMPLES / "voice-note.opus"), "--model", "tiny", "--out", "-", "--format"]
    once, twice = (
        CliRunner().invoke(cli.app, [*arguments, formats]).stdout for formats in ("txt", "txt, txt")
    )
    assert once
    assert twice == once


def test_only_the_formats_asked_for_are_written(run, tmp_path):
    run(SAMPLES / "voice-note.opus", "--format", "srt,txt", "--out", tmp_path / "o")
    assert {path.name for path in (tmp_path / "o" / "voice-note.opus").iterdir()} == {
        "transcript.srt",
        "transcript.txt",
    }


def test_good_and_bad_files_in_one_folder_each_get_what_they_deserve(run, tmp_path):
    folder = tmp_path / "calls"
    (folder / "a").mkdir(parents=True)
    speech, _ = talk(8, seed=1)
    write_media(folder / "talk.mp3", speech)
    write_media(folder / "talk.wav", speech)
    write_media(folder / "a" / "talk.mp3", speech)
    write_media(folder / "silence.flac", np.zeros(16_000 * 5, np.int16))
    write_media(folder / "ünïcode name 😀.ogg", speech)
    (folder / "empty.mp3").touch()
    (folder / "text.mp3").write_text("Dear customer, this is not sound at all.\n" * 500)
    shutil.copy(SAMPLES / "warehouse-tour.mp4", folder / "cut.mp4")
    with (folder / "cut.mp4").open("rb+") as file:
        file.truncate(30_000)
    write_video_without_sound(folder / "mute.mp4")
    (folder / "readme.txt").write_text("I am not media by my name.")
    result, lines = run(folder)
    assert result.exit_code == 1
    by_file = {one["file"]: one for one in lines}
    for good in ("talk.mp3", "talk.wav", "a/talk.mp3", "ünïcode name 😀.ogg"):
        assert by_file[good]["state"] == "DONE"
        assert by_file[good]["words"] > 5
        assert (tmp_path / "transcripts" / good / "transcript.srt").is_file()
    assert (by_file["silence.flac"]["state"], by_file["silence.flac"]["words"]) == ("DONE", 0)
    assert by_file["empty.mp3"]["code"] == "empty"
    assert by_file["text.mp3"]["code"] == "not-media"
    assert by_file["mute.mp4"]["code"] == "no-audio"
    assert by_file["cut.mp4"]["state"] == "FAILED" or by_file["cut.mp4"]["warnings"][0].startswith(
        "the audio stops"
    )
    for one in lines:
        if one["state"] == "FAILED":
            assert one["reason"].endswith(".")
            assert "Traceback" not in one["reason"]
    assert "readme.txt" not in by_file
    assert "Skipped 1 file in folders: not audio or video, by name" in result.stderr


def test_a_failed_file_is_tried_again_by_the_next_run(run, tmp_path):
    path = tmp_path / "talk.wav"
    speech, _ = talk(5, seed=2)
    write_media(path, speech)
    stamp = path.stat().st_mtime_ns
    whole = path.read_bytes()
    path.write_bytes(b"x" * len(whole))
    os.utime(path, ns=(stamp, stamp))
    assert run(path)[1][0]["state"] == "FAILED"
    path.write_bytes(whole)
    os.utime(path, ns=(stamp, stamp))
    assert run(path)[1][0]["state"] == "DONE"


def test_a_changed_file_is_another_recording_and_replaces_the_copies(run, tmp_path):
    path = tmp_path / "talk.wav"
    for seconds in (5, 9):
        speech, _ = talk(seconds, seed=3)
        write_media(path, speech)
        os.utime(path, (seconds, seconds))
        assert not run(path)[1][0]["skipped"]
    document = json.loads((tmp_path / "transcripts" / "talk.wav" / "transcript.json").read_text())
    assert document["duration"] > 8


def test_files_of_one_name_in_two_folders_do_not_meet(run, tmp_path):
    speech, _ = talk(4, seed=4)
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_media(tmp_path / folder / "talk.wav", speech)
    run(tmp_path / "x" / "talk.wav", tmp_path / "y" / "talk.wav")
    assert (tmp_path / "transcripts" / "x" / "talk.wav" / "transcript.txt").is_file()
    assert (tmp_path / "transcripts" / "y" / "talk.wav" / "transcript.txt").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.mp3"], "no file or folder 'nowhere.mp3'"),
        (["."], "Nothing to transcribe"),
        ([SAMPLES / "voice-note.opus", "--format", "pdf"], "no format 'pdf'"),
        ([SAMPLES / "voice-note.opus", "--method", "deepgram"], "has no Deepgram engine"),
        ([SAMPLES / "voice-note.opus", "--track", "3"], "track"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(run, arguments, says):
    result, lines = run(*arguments)
    assert result.exit_code in {1, 2, 66, 75}
    assert says in " ".join(result.stderr.split()) or says in lines[0]["reason"]
    assert "Traceback" not in result.stderr


def test_without_the_weights_nothing_is_begun(run, tmp_path):
    result, lines = run(SAMPLES / "voice-note.opus", model=str(tmp_path / "no-weights"))
    assert result.exit_code == 69
    assert lines is None
    assert "no-weights" in result.stderr
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    assert list(documents.recordings(ports.records)) == []
    ports.close()


def test_stopped_by_ctrl_c_it_goes_on_from_there(tmp_path):
    speech, _ = talk(180, seed=5)
    write_media(tmp_path / "long.wav", speech)
    command = [
        sys.executable,
        "-m",
        "local.cli",
        "transcribe",
        tmp_path / "long.wav",
        "--model",
        "tiny",
        "--json",
    ]
    command += ["--out", tmp_path / "out"]
    environment = os.environ | {
        "DROPSCRIBE_STATE_DIR": str(tmp_path / "state"), "CHUNK_DURATION_MINUTES": "0.1", "MAX_CONCURRENT_CHUNKS": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    deadline = time.monotonic() + 60
    while not (before := ports.records.count(documents.CHUNKS)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again to continue" in told
    assert all(ports.queue.pending(one.name) == 0 for one in ports.queue.topology.subscriptions)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout)[0]["state"] == "DONE"
    chunks = ports.records.count(documents.CHUNKS)
    assert chunks > before
    assert ports.records.count(documents.LEDGER) <= chunks + 2
    ports.close()


def write_video_without_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))


def test_what_a_budget_holds_is_said_and_goes_on_when_there_is_room(run, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_CPU_USD_PER_HOUR", "1000")
    monkeypatch.setenv("DROPSCRIBE_BUDGET_DAILY_USD", "0.01")
    result, (line,) = run(SAMPLES / "voice-note.opus")
    assert result.exit_code == 1
    assert (line["state"], line["code"]) == ("FAILED", "held")
    assert "the daily budget is too small for this recording" in line["reason"]
    assert line["reason"].endswith(
        "once you raise DROPSCRIBE_BUDGET_DAILY_USD. Run the same command again then."
    )
    monkeypatch.setenv("DROPSCRIBE_BUDGET_DAILY_USD", "100")
    result, (line,) = run(SAMPLES / "voice-note.opus")
    assert (result.exit_code, line["state"]) == (0, "DONE")


def test_a_new_row_in_the_table_of_formats_is_all_that_the_command_needs(tmp_path):
    sample = [str(SAMPLES / "voice-note.opus"), "--model", "tiny", "--state-dir", str(tmp_path / "state")]
    calls = [
        ["--help"],
        [*sample, "--format", "pdf"],
        [*sample, "--format", "lrc,txt", "--out", str(tmp_path / "out")],
    ]
    program = (
        "from shared import formats\n"
        "from shared.outputs import rendering\n"
        "lyrics = formats.OutputFile(format='lrc', name='transcript.lrc', use='sing', content_type='text/plain')\n"
        "formats.FILES += (lyrics,)\n"
        "formats.FORMATS += ('lrc',)\n"
        "rendering.RENDERERS['transcript.lrc'] = lambda it: (\n"
        "    ''.join(f'[{one.start}]{one.lines[0]}' for one in it.captions).encode())\n"
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from local import cli\n"
        "told = [CliRunner().invoke(cli.app, ['transcribe', *one]) for one in json.loads(sys.argv[1])]\n"
        "print(json.dumps([(one.exit_code, one.output) for one in told]))\n"
    )
    command = [sys.executable, "-c", program, json.dumps(calls)]
    environment = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    [(_, helped), (refused, why), (made, _)] = json.loads(done.stdout)
    assert "rttm, lrc" in " ".join(helped.replace("│", "").split())
    assert (refused, "ctm, rttm, lrc" in why) == (2, True)
    assert made == 0
    folder = tmp_path / "out" / "voice-note.opus"
    assert {path.name for path in folder.iterdir()} == {"transcript.lrc", "transcript.txt"}
    assert (folder / "transcript.lrc").read_text().startswith("[")


def test_a_demo_without_its_recordings_says_where_they_should_be(tmp_path, monkeypatch):
    monkeypatch.setattr("local.commands.audio.transcribe.SAMPLES", tmp_path / "none")
    result = CliRunner().invoke(cli.app, ["demo"])
    assert result.exit_code == 78
    assert f"not in {tmp_path / 'none'}. Install Dropscribe again" in result.stderr


def test_a_step_that_does_not_return_ends_the_run_and_the_next_one_goes_on(run, tmp_path, monkeypatch):
    forever, ended = threading.Event(), []
    with monkeypatch.context() as patch:
        patch.setattr(
            one_shot, "PushLoop", lambda *given: PushLoop(*given, limit=0.3 if "merger" in given else 60.0)
        )
        patch.setattr(record, "on_chunk_done", lambda *_: forever.wait())
        patch.setattr(last_resort, "end_within", ended.append)
        result, _ = run(SAMPLES / "voice-note.opus")
        forever.set()
    assert result.exit_code == 75
    assert "a delivery of merger has not returned" in result.stderr
    assert "Run the same command again" in result.stderr
    assert len(ended) == 1
    assert run(SAMPLES / "voice-note.opus")[0].exit_code == 0


def test_what_waits_for_up_is_left_to_up_with_its_settings(run, tmp_path):
    """A file of its inbox, and a request, at their sixth delivery: more than a person who waits would give them."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    shutil.copy(SAMPLES / "order-hotline.m4a", inbox)
    ports = open_ports(Settings(state_dir=tmp_path / "state", inbox=inbox))
    try:
        ports.queue.publish(AUDIO_FINALIZED, object_resource(ports.store.stat("audio", "order-hotline.m4a")))
        client.submit(ports.file(SAMPLES / "warehouse-tour.mp4").uri, ports=ports, request_id="q")
        with ports.queue._database.write() as connection:
            connection.execute("UPDATE messages SET attempt = 6")
        result, (line,) = run(SAMPLES / "voice-note.opus")
        assert (result.exit_code, line["state"]) == (0, "DONE")
        assert [one.id for one in documents.recordings(ports.records)] == [line["recording"]]
        assert [ports.queue.pending(name) for name in ("router", "requests", "dead-letters")] == [1, 1, 0]
        [one] = ports.queue.pull("router", 9, 60.0)
        assert one.attempt == 7
    finally:
        ports.close()
