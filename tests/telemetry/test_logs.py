from __future__ import annotations

import json

import pytest

from shared.telemetry import about, log, logs, show_logs
from shared.telemetry.context import of_recording, parse
from shared.telemetry.metrics import METRICS


def test_a_log_collector_gets_one_json_object_a_line(capsys):
    show_logs(as_json=True)
    log.warning("chunk %s: %d words\nand more", "é", 3)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {
        "severity": "WARNING",
        "message": "chunk é: 3 words\nand more",
        "logger": "dropscribe",
    }


def test_an_exception_is_part_of_its_line(capsys):
    show_logs(as_json=True)
    try:
        int("no")
    except ValueError:
        log.exception("failed")
    [line] = capsys.readouterr().err.splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_a_name_neither_forges_a_line_nor_moves_the_cursor(capsys):
    show_logs()
    log.info("accepted %s", "x\r\n12:00:00 done \x1b]0;title\x07\x9b2J")
    try:
        {}["\x1b[2J"]
    except KeyError as error:
        error.args = ("a\x1b[2J",)
        log.exception("failed")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith(r" accepted x\r\n12:00:00 done \x1b]0;title\x07\x9b2J")
    assert lines[-1] == r"KeyError: 'a\x1b[2J'"


def test_people_get_plain_lines_once(capsys):
    show_logs()
    show_logs()
    log.info("done talk.mp3")
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(" done talk.mp3")


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_says_which_recording_chunk_trace_and_release_it_is_about(capsys, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    monkeypatch.setenv("DROPSCRIBE_RELEASE", "1.2.3")
    show_logs(as_json=True)
    with about("abc", 4, of_recording("abc")):
        log.info("chunk done")
    [line] = lines(capsys)
    trace, span = parse(of_recording("abc"))
    assert line == {
        "severity": "INFO",
        "message": "chunk done",
        "logger": "dropscribe",
        "release": "1.2.3",
        "recording": "abc",
        "chunk": 4,
        "logging.googleapis.com/trace": f"projects/my-project/traces/{trace}",
        "logging.googleapis.com/spanId": span,
        "logging.googleapis.com/trace_sampled": True,
    }


KEY = "dg-0123456789abcdef0123456789abcdef"
SIGNED = "https://storage.googleapis.com/audio/talk.mp3?X-Goog-Signature=0a1b2c3d&X-Goog-Credential=me%40x"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0B\n-----END PRIVATE KEY-----"
SECRETS = {
    "key": (KEY, KEY),
    "signed address": (SIGNED, "0a1b2c3d"),
    "header": ("Authorization: Token 0123456789abcdef01", "0123456789abcdef01"),
    "bearer": ("headers={'authorization': 'Bearer abcdefgh12345678XYZ'}", "abcdefgh12345678XYZ"),
    "password": ("http://user:hunter22@proxy.example:8080/path", "hunter22"),
    "google": ("token ya29.a0AfH6SMBx-x_1", "a0AfH6SMBx"),
    "jwt": (f"got {JWT} back", JWT),
    "pem": (PEM, "MIIEvQIBADANBg"),
}


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("said", "secret"), SECRETS.values(), ids=SECRETS)
def test_no_secret_gets_into_a_line_by_message_or_exception(capsys, monkeypatch, as_json, said, secret):
    monkeypatch.setattr(logs, "_keys", [])
    logs.hide(KEY, "")
    show_logs(as_json=as_json)
    log.warning("it failed: %s", said)
    log.error("it failed", exc_info=ValueError(said))
    text = capsys.readouterr().err
    assert text.count("it failed") == 2
    assert "ValueError" in text
    assert secret not in text


@pytest.mark.parametrize(
    "said",
    [
        "done gs://audio/talk.mp3: 12 words, in gs://transcripts/talk",
        "Upload it again, see https://example.org/docs/setup.",
        "DEEPGRAM_API_KEY is not set: it must be your API key",
        "a token was lost, basic set-up",
    ],
)
def test_what_is_no_secret_stays(said):
    assert logs.without_secrets(said) == said


def test_a_measurement_is_a_line_from_which_a_metric_can_be_made(capsys):
    show_logs(as_json=True)
    with about("abc"):
        logs.log_measurement(METRICS["hosted_call_seconds"], 1.5, {"engine": "deepgram", "outcome": "rate"})
        logs.log_measurement(METRICS["worker_batches_total"], 1.0, {})
    [line] = lines(capsys)
    assert (line["metric"], line["value"]) == ("dropscribe_hosted_call_seconds", 1.5)
    assert line["labels"] == {"engine": "deepgram", "outcome": "rate"}
    assert line["recording"] == "abc"


def test_quiet_processes_log_what_went_wrong_only(monkeypatch, capsys):
    monkeypatch.setenv("DROPSCRIBE_QUIET", "true")
    show_logs()
    log.info("a file is done")
    log.warning("a file failed")
    said = capsys.readouterr().err
    assert "a file failed" in said
    assert "a file is done" not in said
