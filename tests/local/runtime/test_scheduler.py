"""The timer that calls the sweeper."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.runtime.scheduler import Scheduler


@pytest.fixture
def sweeper():
    """A function that counts its calls and answers what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.calls.append(self.path)
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.calls, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(server):
    return f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize("status", [200, 500])
def test_it_calls_again_and_again_whatever_the_answer(sweeper, until, status):
    sweeper.status = status
    scheduler = Scheduler(url_of(sweeper), every=0.01)
    scheduler.start()
    until(lambda: len(sweeper.calls) >= 3)
    scheduler.stop()


def test_a_failure_is_logged(sweeper, until, caplog):
    sweeper.status = 500
    scheduler = Scheduler(url_of(sweeper), every=0.01)
    scheduler.start()
    until(lambda: "the sweeper failed" in caplog.text)
    scheduler.stop()


def test_nobody_listening_is_no_end(sweeper, until, caplog):
    scheduler = Scheduler("http://127.0.0.1:1/", every=0.01)
    scheduler.start()
    until(lambda: caplog.text.count("the sweeper failed") >= 2)
    scheduler.stop()


def test_a_function_that_does_not_listen_yet_is_called_soon_again_without_a_word(until, monkeypatch, caplog):
    monkeypatch.setattr("local.runtime.scheduler.FIRST", 0.01)
    calls = []
    scheduler = Scheduler("http://127.0.0.1:1/", every=60.0)
    ask = scheduler._client.post
    monkeypatch.setattr(scheduler._client, "post", lambda url: calls.append(url) or ask(url))
    scheduler.start()
    until(lambda: len(calls) == 2)
    scheduler.stop()
    assert caplog.text.count("the sweeper failed") <= 1


def test_after_stop_there_are_no_more_calls(sweeper, until):
    scheduler = Scheduler(url_of(sweeper), every=0.01)
    scheduler.start()
    until(lambda: sweeper.calls)
    scheduler.stop()
    until(lambda: not scheduler._thread.is_alive())


def test_the_first_call_comes_soon_but_not_at_once(sweeper):
    scheduler = Scheduler(url_of(sweeper), every=60)
    scheduler.start()
    scheduler.stop()
    scheduler._thread.join(5)
    assert sweeper.calls == []


def test_what_the_last_run_left_does_not_wait_for_a_whole_interval(sweeper, until, monkeypatch):
    monkeypatch.setattr("local.runtime.scheduler.FIRST", 0.01)
    scheduler = Scheduler(url_of(sweeper), every=60)
    scheduler.start()
    until(lambda: sweeper.calls)
    scheduler.stop()
