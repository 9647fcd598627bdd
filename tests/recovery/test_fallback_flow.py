"""Engines that fail on purpose, on one machine: the real worker, and a server that answers as Deepgram does."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dropscribe.progress import Told
from gpu_job import process
from gpu_job.speech.transcriber import Device, EngineLost, OutOfMemory
from gpu_job.weights.catalogue import BUNDLED
from local import cli, exit_codes
from local.backend.embedded_ports import embedded_topology, open_ports
from local.runtime import one_shot, submission
from local.runtime.submission import InputFile
from shared.errors import BadMedia, ModelUnavailable, Transient
from shared.flow import upload
from shared.messages import from_fields
from shared.model import Options
from shared.recovery import no_weights
from shared.results import LedgerRow
from shared.settings import Settings
from shared.state import claims, documents, failure_log
from tests.deepgram_server import KEY, Reply, deepgram_server, refused
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned
from tests.world import World

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "voice-note.opus"
HURRIED = replace(
    embedded_topology(),
    subscriptions=tuple(
        replace(one, min_backoff=0.05, max_backoff=0.05) for one in embedded_topology().subscriptions
    ),
)


class Failing(CountingEngine):
    """Raises what it is told to, whatever it gets."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def transcribe(self, windows, phrases=(), languages=()):
        self.calls.append(len(windows))
        raise self.error


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("shared.adapters.engines.deepgram.SHORTEST_PAUSE", 0.01)
    with deepgram_server() as running:
        yield running


@pytest.fixture
def transcribe(server, tmp_path):
    """Transcribes a recording with an engine that may fail; gives its end, and the rows of its ledger."""

    def call(engine, *, options=None, **settings):
        chosen = {
            "model": "fake",
            "api_keys": {"deepgram": KEY},
            "addresses": {"deepgram": server.url},
        } | settings
        ports = open_ports(Settings(state_dir=tmp_path / "state", **chosen), HURRIED)
        found = submission.look([InputFile(path=SAMPLE, output=Path("x"))], options or Options(), ports)
        submission.submit(found, ports)

        def load(_model):
            if isinstance(engine, Exception):
                raise engine
            return engine

        try:
            [(_, recording)] = one_shot.follow(found, ports, load, progress=Told(None))
            rows = [from_fields(fields, LedgerRow) for _, fields in ports.records.query(documents.LEDGER)]
            call.noted = failure_log.by_class(ports.records)
            document = next((one for one in recording.outputs if one.endswith("transcript.json")), None)
            call.document = document and json.loads(ports.store.load("transcripts", document))
        finally:
            ports.close()
        return recording, Counter((row.engine, row.outcome) for row in rows)

    return call


def test_an_engine_that_breaks_is_asked_three_times_and_then_another_one(transcribe, server):
    done, rows = transcribe(Failing(RuntimeError("device-side assert")))
    assert done.state == "DONE"
    assert rows == {("parakeet-cpu", "failed"): 3, ("deepgram", "heard"): 1}
    assert [part["engine"] for part in transcribe.document["parts"]] == ["deepgram"]
    [warning] = transcribe.document["warnings"]
    assert warning.startswith("Deepgram transcribed parts that another engine could not. Parakeet on a CPU: ")
    assert "device-side assert" in warning
    assert transcribe.noted == {"parakeet-cpu": {"Exception": 3, "HandedOn": 1}}
    assert server.asked[0].query.get("numerals") is None, "numbers as words, as Parakeet writes them"


def test_a_window_that_does_not_fit_alone_goes_to_another_engine_at_once(transcribe):
    engine = Failing(OutOfMemory("CUDA out of memory"))
    done, rows = transcribe(engine)
    assert done.state == "DONE"
    assert rows == {("parakeet-cpu", "failed"): 1, ("deepgram", "heard"): 1}
    assert engine.calls[-1] == 1, "smaller batches were tried first"


def test_a_lost_gpu_ends_the_run_with_the_reason_and_what_to_do(transcribe):
    with pytest.raises(Transient, match=r"before the work was done: .*launch failure.*Start again"):
        transcribe(Failing(EngineLost("unspecified launch failure")))


def test_weights_that_cannot_be_loaded_go_to_another_engine_at_once(transcribe):
    done, rows = transcribe(ModelUnavailable("The weights are not on this machine."))
    assert (done.state, rows) == ("DONE", {("deepgram", "heard"): 1})
    assert "The weights are not on this machine." in transcribe.document["warnings"][0]


def test_bad_media_fails_at_once_and_is_nobody_elses(transcribe, server, monkeypatch):
    def limit(*_, **__):
        raise BadMedia("limit", "This file kept the decoder busy for too long.")

    monkeypatch.setattr("shared.audio.pool.MediaPool.decode", limit)
    failed, rows = transcribe(CountingEngine())
    assert (failed.state, failed.code, rows) == ("FAILED", "limit", {})
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "said"),
    [({"api_keys": {"deepgram": "another"}}, "key"), ({}, "credit")],
    ids=["key", "credit"],
)
def test_a_key_or_an_account_that_does_not_work_hands_on_to_parakeet_at_once(
    transcribe, server, change, said
):
    server.replies = [refused(402, "ASR_PAYMENT_REQUIRED", "Project does not have enough credits.")]
    done, rows = transcribe(CountingEngine(), rollout_percent=0.0, **change)
    assert (done.state, rows) == ("DONE", {("deepgram", "failed"): 1, ("parakeet-cpu", "heard"): 1})
    assert len(server.asked) == 1
    assert said in transcribe.document["warnings"][0]
    assert transcribe.noted == {"deepgram": {"EngineRefused": 1, "HandedOn": 1}}


def test_a_service_that_stays_away_hands_on_when_its_message_is_given_up(transcribe, server):
    server.replies = [refused(500, "INTERNAL_SERVER_ERROR", "Oops.") for _ in range(100)]
    done, rows = transcribe(CountingEngine(), rollout_percent=0.0)
    assert (done.state, rows) == ("DONE", {("deepgram", "failed"): 8, ("parakeet-cpu", "heard"): 1})
    assert transcribe.noted["deepgram"]["EngineFailed"] == 8


def test_no_connection_hands_on_to_parakeet_after_half_a_minute(transcribe):
    done, rows = transcribe(
        CountingEngine(), rollout_percent=0.0, addresses={"deepgram": "http://127.0.0.1:9"}
    )
    assert (done.state, rows) == ("DONE", {("deepgram", "failed"): 3, ("parakeet-cpu", "heard"): 1})
    assert transcribe.noted["deepgram"]["EngineFailed"] == 2


def test_lost_answers_are_rows_beside_what_another_engine_heard(transcribe, server):
    server.replies = [Reply(cut=True) for _ in range(100)]
    done, rows = transcribe(CountingEngine(), rollout_percent=0.0)
    assert done.state == "DONE"
    assert rows == {("deepgram", "lost"): 3, ("parakeet-cpu", "heard"): 1}


def test_where_all_fail_the_recording_fails_with_the_reason_of_each(transcribe):
    failed, _ = transcribe(Failing(RuntimeError("device-side assert")), api_keys={"deepgram": "another"})
    assert (failed.state, failed.code) == ("FAILED", "NoEngineLeft")
    assert "Parakeet on a CPU: The engine failed 3 times" in failed.reason
    assert "Deepgram: " in failed.reason
    assert "set one from https://console.deepgram.com" in failed.reason


def test_who_asks_for_parakeet_gets_nobody_else(transcribe, server):
    failed, _ = transcribe(Failing(RuntimeError("broken")), options=Options(method="parakeet"))
    assert failed.reason.endswith("No other engine was tried: parakeet was asked for.")
    assert server.asked == []


def test_without_weights_a_person_gets_deepgrams_transcript_and_is_told(server, tmp_path, monkeypatch):
    for name, value in {
        "DROPSCRIBE_STATE_DIR": str(tmp_path / "state"),
        "DROPSCRIBE_DEEPGRAM_URL": server.url,
        "DEEPGRAM_API_KEY": KEY,
        "PARAKEET_MODEL_NAME": str(tmp_path / "nothing"),
    }.items():
        monkeypatch.setenv(name, value)
    command = ["transcribe", str(SAMPLE), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(cli.app, command)
    [line] = json.loads(result.stdout)
    assert (result.exit_code, line["state"]) == (0, "DONE")
    assert "Deepgram transcribes instead." in result.stderr
    monkeypatch.setenv("ENABLE_FALLBACK", "false")
    again = CliRunner().invoke(cli.app, [*command, "--language", "en"])
    assert again.exit_code != 0


@pytest.fixture
def damaged(tmp_path):
    """An export whose encoder breaks off."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("config.json", "vocab.txt", "decoder_joint-model.onnx", "encoder-model.onnx"):
        shutil.copy(BUNDLED / name, folder)
    with (folder / "encoder-model.onnx").open("r+b") as file:
        file.truncate(100_000)
    return folder


@pytest.fixture
def command(tmp_path, damaged, server, monkeypatch):
    """Calls `dropscribe transcribe` where the weights of the deployment are damaged."""
    for name, value in {
        "DROPSCRIBE_STATE_DIR": tmp_path / "state",
        "DROPSCRIBE_DEEPGRAM_URL": server.url,
        "DEEPGRAM_API_KEY": KEY,
        "PARAKEET_MODEL_NAME": damaged,
    }.items():
        monkeypatch.setenv(name, str(value))

    def call(*more):
        arguments = ["transcribe", str(SAMPLE), "--out", str(tmp_path / "out"), "--json", *more]
        return CliRunner().invoke(cli.app, arguments)

    return call


def test_with_damaged_weights_a_person_gets_deepgrams_transcript_and_is_told(command):
    result = command()
    [line] = json.loads(result.stdout)
    assert (result.exit_code, line["state"]) == (0, "DONE")
    assert "They may be damaged: export the model again. Deepgram transcribes instead." in result.stderr
    assert f"{line['words']} words by deepgram;" in CliRunner().invoke(cli.app, ["status"]).stdout
    assert "cannot be loaded" in line["warnings"][0]
    assert (line["method"], line["model"]) == ("deepgram", "nova-3")
    assert line["why"].endswith(
        "; Deepgram did all of it in place of Parakeet on a CPU; the warnings say why"
    )


@pytest.mark.parametrize(
    ("variable", "more"),
    [(("DEEPGRAM_API_KEY", ""), []), (("ENABLE_FALLBACK", "false"), []), (None, ["--method", "parakeet"])],
    ids=["no key", "switched off", "parakeet asked for"],
)
def test_with_damaged_weights_and_nobody_else_a_run_ends_at_once_with_what_to_do(
    command, server, monkeypatch, variable, more
):
    if variable is not None:
        monkeypatch.setenv(*variable)
    result = command(*more)
    assert result.exit_code == exit_codes.UNAVAILABLE
    assert result.stderr.strip().endswith("They may be damaged: export the model again.")
    assert "Deepgram" not in result.stderr
    assert server.asked == []


# A worker that has a GPU and a processor, and one that cannot load its weights.


@pytest.fixture
def world(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=0.5, model="fake"))
    world.ports = replace(
        world.ports, engines=frozenset({"parakeet-gpu", "parakeet-cpu"}),
        settings=replace(world.settings, engines="parakeet-gpu,parakeet-cpu"),
    )  # fmt: skip
    yield world
    world.close()


def test_what_a_gpu_cannot_do_the_processor_beside_it_does(world, monkeypatch):
    class Gpu(Failing):
        engine = "parakeet-gpu"

    broken, processor, loads = Gpu(RuntimeError("no")), CountingEngine(), []
    broken.device = processor.device = Device(name="one", memory=0, driver="", dtype="", graphs="")

    def load(settings, model, **_):
        loads.append((model, settings.enable_gpu))
        return broken if settings.enable_gpu else processor

    monkeypatch.setattr("gpu_job.loading.load", load)
    recording = upload.on_upload(world.upload(), world.ports)
    stop = threading.Event()
    thread = threading.Thread(
        target=process.run, args=(world.ports, stop), kwargs={"stay": True, "began": 0.0}
    )
    thread.start()
    for _ in range(400):
        if world.ports.records.count(documents.CHUNKS) == 2 or stop.wait(0.05):
            break
    stop.set()
    thread.join()
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    assert Counter((row["engine"], row["outcome"]) for row in rows) == {
        ("parakeet-gpu", "failed"): 6, ("parakeet-cpu", "heard"): 2,
    }  # fmt: skip
    assert loads == [("fake", True), ("fake", False)]
    assert recording.fallback.engines == ("parakeet-gpu", "parakeet-cpu")


def test_a_worker_without_weights_hands_on_what_others_may_do_and_gives_back_the_rest(world, monkeypatch):
    def load(_settings, _model, **_):
        raise ModelUnavailable("The weights are not in this image.")

    monkeypatch.setattr("gpu_job.loading.load", load)
    monkeypatch.setattr(no_weights, "PATIENCE", 2.0)
    world.ports = replace(world.ports, engines=frozenset({"parakeet-gpu", "deepgram"}))
    free = upload.on_upload(world.upload("free.wav"), world.ports)
    bound = upload.on_upload(world.upload("bound.wav", **{"dropscribe-method": "parakeet"}), world.ports)
    with pytest.raises(ModelUnavailable):
        process.run(world.ports, threading.Event(), stay=False, began=0.0)
    found = claims.of_recording(free.id, world.ports.records).values()
    assert [claim.engine for claim in found] == ["deepgram", "deepgram"]
    assert [tried.error for claim in found for tried in claim.tried] == ["ModelUnavailable"] * 2
    assert claims.of_recording(bound.id, world.ports.records) == {}
    assert world.ports.queue.pending("gpu-worker") == 2
    assert world.ports.queue.pending("deepgram") == 2
    assert documents.get_recording(world.ports.records, bound.id).state == "PLANNED"
    about = failure_log.About(recording=bound.id, chunk=0)
    assert failure_log.last_reasons(about, world.ports.records) == "The weights are not in this image."


def test_where_everything_is_deepgrams_a_worker_loads_no_weights(world, monkeypatch):
    def load(_settings, _model, **_):
        raise ModelUnavailable("Nobody asked for weights.")

    monkeypatch.setattr("gpu_job.loading.load", load)
    monkeypatch.setattr(process, "IDLE_EXIT", 0.3)
    world.ports = replace(world.ports, settings=replace(world.ports.settings, method="deepgram"))
    worker = process.run(world.ports, threading.Event(), stay=False, began=0.0)
    assert worker.summary.chunks == 0
