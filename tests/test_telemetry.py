from __future__ import annotations

import json

from shared.telemetry import log, show_logs


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


def test_people_get_plain_lines_once(capsys):
    show_logs()
    show_logs()
    log.info("done talk.mp3")
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(" done talk.mp3")
