"""Deepgram's real client against a server that answers as its reference says."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from shared.adapters.bills import deepgram_bill
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable

DAYS = [dt.date(2026, 11, 20), dt.date(2026, 11, 21)]
USAGE = {"agent_hours": 0.0, "tokens_in": 0, "tokens_out": 0, "tts_characters": 0, "requests": 1}


class Deepgram(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.projects = ["p1"]
        self.status = 200
        self.asked = []
        self.usage = {}
        """Hours by tags, for each day."""
        self.dollars = {}

    def answer(self, path, query):
        if path == "/v1/projects":
            return {"projects": [{"project_id": one, "name": one.upper()} for one in self.projects]}
        if not path.startswith(tuple(f"/v1/projects/{one}/" for one in self.projects)):
            return None
        day = query["start"][0]
        assert query["end"] == [day]
        assert query["grouping"] == ["tags"]
        found = self.usage if "/usage/" in path else self.dollars
        results = [
            ({"hours": value, "total_hours": value, **USAGE} if "/usage/" in path else {"dollars": value})
            | {"grouping": {"start": day, "end": day, "tags": list(tags)}}
            for tags, value in found.get(day, {}).items()
        ]
        return {"start": day, "end": day, "resolution": {"units": "day", "amount": 1}, "results": results}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        self.server.asked.append((url.path, self.headers["Authorization"]))
        found = self.server.answer(url.path, parse_qs(url.query)) if self.server.status == 200 else {}
        body = json.dumps(found or {"err_msg": "no, key secret"}).encode()
        self.send_response(404 if found is None else self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    one = Deepgram()
    thread = threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()
    thread.join()


def read(server, **options):
    projects = deepgram_bill.client("secret", f"http://127.0.0.1:{server.server_port}")
    return deepgram_bill.read(projects, DAYS, lambda tag: tag.startswith("ours"), **options)


def test_hours_and_dollars_come_by_day_and_tag_and_those_of_others_are_left_out(server):
    server.usage = {
        "2026-11-20": {("ours.00000",): 0.5, ("theirs",): 9.0, (): 4.0, ("ours.1", "ours.2"): 1.0}
    }
    server.dollars = {
        "2026-11-20": {("ours.00000",): 0.231, ("theirs",): 9.0},
        "2026-11-21": {("ours.1",): 0.1},
    }
    bill = read(server)
    assert bill.usd == {"2026-11-20": 0.231, "2026-11-21": 0.1}
    assert [(one.day, one.tag, one.seconds) for one in bill.counted] == [("2026-11-20", "ours.00000", 1800.0)]
    assert {key for _, key in server.asked} == {"Token secret"}


def test_of_several_projects_one_must_be_named(server):
    server.projects = ["p1", "p2"]
    with pytest.raises(
        BadRequest, match=r"2 projects: p1 \(P1\), p2 \(P2\)\. Choose one with --deepgram-project"
    ):
        read(server)
    assert read(server, project="p2").counted == ()


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, ConfigurationError, "usage:read and billing:read"),
        (403, ConfigurationError, "role Admin or Owner"),
        (404, ConfigurationError, "--deepgram-project"),
        (418, StoreUnavailable, "answered with 418"),
    ],
)
def test_what_goes_wrong_says_what_to_do_and_never_the_key(server, status, error, says):
    server.status = status
    with pytest.raises(error, match=says) as caught:
        read(server)
    assert "secret" not in str(caught.value)


def test_nobody_listening_is_told():
    with pytest.raises(StoreUnavailable, match="did not answer"):
        deepgram_bill.read(deepgram_bill.client("k", "http://127.0.0.1:1"), DAYS, lambda _: True)
