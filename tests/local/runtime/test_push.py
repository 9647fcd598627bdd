"""Delivery to functions, in the process and over HTTP."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from functions.push import read
from local.backend.sqlite.queue import SqliteQueue
from local.runtime import push
from local.runtime.events import object_resource, pushed
from local.runtime.push import HttpSender, NotDeliveredError, PushLoop, stop_all
from local.runtime.scheduler import Scheduler
from shared.clock import SystemClock
from shared.errors import StoreUnavailable, Transient
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE
from shared.model import StoredObject
from shared.ports import Delivery
from shared.topology import topology
from tests.ports import free_port


@contextlib.contextmanager
def running(queue, subscription, send, **options):
    loop = PushLoop(queue, subscription, send, **options)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()


@contextlib.contextmanager
def function(handle, port=0):
    """A function behind HTTP: `handle(push)` gives the status and body of the answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = handle(read({}, body))
            with contextlib.suppress(BrokenPipeError):
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_handled_message_is_acknowledged(queue, until):
    seen = []
    for number in range(20):
        queue.publish(CHUNKS_DONE, b"%d" % number)
    with running(queue, "merger", seen.append):
        until(lambda: queue.pending("merger") == 0)
    assert len(seen) == 20
    assert len({read({}, body).message_id for body in seen}) == 20


def test_failed_message_comes_again_after_its_back_off(queue, clock, until):
    attempts = []

    def fail_twice(body):
        attempts.append(read({}, body).attempt)
        if len(attempts) < 3:
            raise ValueError("not yet")

    queue.publish(CHUNKS_DONE, b"x")
    with running(queue, "merger", fail_twice):
        for expected in (1, 2):
            until(lambda expected=expected: len(attempts) == expected)
            clock.time += 60
        until(lambda: queue.pending("merger") == 0)
    assert attempts == [1, 2, 3]


def test_message_that_always_fails_ends_as_a_dead_letter_with_the_last_error(queue, clock, until):
    def fail(body):
        raise ValueError(f"attempt {read({}, body).attempt}")

    queue.publish(CHUNKS_DONE, b"poison")

    def dead():
        clock.time += 600
        return queue.pending("dead-letters")

    with running(queue, "merger", fail, lease_seconds=1e6):
        until(dead)
    (letter,) = queue.pull("dead-letters", 9, 60.0)
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "merger"
    assert letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "15"
    assert letter.attributes["dropscribe-error"] == "ValueError: attempt 15"


def test_what_became_of_a_message_is_told_as_soon_as_the_queue_can_be_reached(queue, until, monkeypatch):
    monkeypatch.setattr(push, "_SETTLE_SECONDS", 0.01)
    seen, tries, ack = [], [], queue.ack

    def fails_twice(*given):
        tries.append(given)
        if len(tries) < 3:
            raise StoreUnavailable("locked")
        return ack(*given)

    monkeypatch.setattr(queue, "ack", fails_twice)
    queue.publish(CHUNKS_DONE, b"x")
    with running(queue, "merger", seen.append):
        until(lambda: queue.pending("merger") == 0)
    assert (len(seen), len(tries)) == (1, 3)


def test_an_unforeseen_error_of_the_queue_does_not_end_the_deliveries(queue, until, monkeypatch):
    monkeypatch.setattr(push, "_LONGEST_PAUSE", 0.01)
    pull, failed = queue.pull, []

    def fails_once(*given):
        if not failed:
            failed.append(True)
            raise ZeroDivisionError
        return pull(*given)

    monkeypatch.setattr(queue, "pull", fails_once)
    queue.publish(CHUNKS_DONE, b"x")
    with running(queue, "merger", lambda _: None):
        until(lambda: queue.pending("merger") == 0)
    assert failed


def test_long_delivery_keeps_its_lease(database, until):
    queue = SqliteQueue(database, SystemClock())
    queue.publish(CHUNKS_DONE, b"x")
    deliveries = []
    release = threading.Event()

    def slow(event):
        deliveries.append(event)
        release.wait(10)

    with running(queue, "merger", slow, lease_seconds=0.6):
        until(lambda: deliveries)
        assert not release.wait(1.5)
        assert queue.pull("merger", 1, 60.0) == []
        release.set()
        until(lambda: queue.pending("merger") == 0)
    assert len(deliveries) == 1
    queue.close()


def test_stop_finishes_what_is_in_flight_and_takes_nothing_new(queue, until):
    begun, release, finished = threading.Event(), threading.Event(), []

    def slow(event):
        begun.set()
        release.wait(10)
        finished.append(event)

    for _ in range(5):
        queue.publish(CHUNKS_DONE, b"x")
    loop = PushLoop(queue, "merger", slow, at_a_time=1)
    loop.start()
    assert begun.wait(10)
    stopper = threading.Thread(target=loop.stop)
    stopper.start()
    release.set()
    stopper.join(10)
    assert len(finished) == 1
    assert queue.pending("merger") == 4


@pytest.mark.parametrize("patience", [None, 60.0])
def test_several_loops_are_asked_to_stop_before_one_is_waited_for(queue, patience):
    begun, second_asked = threading.Event(), threading.Event()

    def until_the_second_is_asked(event):
        begun.set()
        assert second_asked.wait(10)

    queue.publish(CHUNKS_DONE, b"x")
    first = PushLoop(queue, "merger", until_the_second_is_asked)
    second = PushLoop(queue, "router", lambda event: None)
    second.ask_to_stop = second_asked.set
    first.start()
    assert begun.wait(10)
    stopper = threading.Thread(target=stop_all, args=([first, second], patience), daemon=True)
    stopper.start()
    stopper.join(5)
    assert not stopper.is_alive()


def test_several_loops_share_the_seconds_for_which_they_are_waited_for(queue):
    begun, end, limits = threading.Event(), threading.Event(), []

    def until_the_end(event):
        begun.set()
        assert end.wait(60)

    queue.publish(CHUNKS_DONE, b"x")
    first, second = PushLoop(queue, "merger", until_the_end), PushLoop(queue, "router", lambda event: None)
    second.stop = limits.append
    first.start()
    assert begun.wait(10)
    stop_all([first, second], 0.2)
    assert limits == [0.0]
    assert not end.is_set()
    end.set()
    first.stop()


def test_a_delivery_that_does_not_return_is_left_behind_and_its_message_comes_again(database, until, caplog):
    queue = SqliteQueue(database, SystemClock())
    queue.publish(CHUNKS_DONE, b"1")
    forever, begun = threading.Event(), []

    def hangs_once(body):
        begun.append(read({}, body).message_id)
        if len(begun) == 1:
            forever.wait()

    try:
        with running(queue, "merger", hangs_once, at_a_time=1, lease_seconds=0.3, limit=0.5) as loop:
            until(lambda: len(begun) == 2 and queue.pending("merger") == 0)
        assert len(set(begun)) == 1
        assert loop.left_behind == ["a delivery of merger has not returned within 0.5 s"]
        assert "is redelivered" in caplog.text
    finally:
        forever.set()


def test_no_more_deliveries_at_once_than_allowed(queue, until):
    now, most, lock = [0], [0], threading.Lock()

    def count(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.02)
        with lock:
            now[0] -= 1

    for _ in range(12):
        queue.publish(CHUNKS_DONE, b"x")
    with running(queue, "merger", count, at_a_time=3):
        until(lambda: queue.pending("merger") == 0)
    assert most[0] == 3


def test_message_arrives_over_http_as_it_was_sent(queue, until):
    seen = []

    def handle(push):
        seen.append(push)
        return 200, b"OK"

    source = StoredObject(bucket="audio", name="é 😀.mp3", generation=1, size=2)
    queue.publish(AUDIO_FINALIZED, object_resource(source))
    with function(handle) as url:
        sender = HttpSender(url)
        with running(queue, "router", sender):
            until(lambda: queue.pending("router") == 0)
        sender.close()
    assert json.loads(seen[0].data)["name"] == "é 😀.mp3"


def test_error_of_a_function_is_told_by_its_status_and_first_line():
    with function(lambda _: (500, b"KeyError: 'x'\nmore")) as url:
        sender = HttpSender(url)
        with pytest.raises(Transient, match=r"answered 500: KeyError: 'x'$"):
            sender(_body())
        sender.close()


def test_function_that_takes_too_long_is_a_failed_delivery():
    release = threading.Event()

    def slow(_):
        release.wait(10)
        return 200, b""

    with function(slow) as url:
        sender = HttpSender(url, timeout=0.1)
        with pytest.raises(Transient, match="did not answer") as caught:
            sender(_body())
        assert not isinstance(caught.value, NotDeliveredError)
        release.set()
        sender.close()


def test_function_that_is_not_running_yet_costs_no_attempt(queue, clock, until, caplog):
    caplog.set_level("INFO")
    attempts, port = [], free_port()

    def handle(push):
        attempts.append(push.attempt)
        return 204, b""

    queue.publish(CHUNKS_DONE, b"x")
    sender = HttpSender(f"http://127.0.0.1:{port}/")
    refused = []

    def send(body):
        try:
            sender(body)
        except NotDeliveredError as error:
            refused.append(error)
            raise

    def refused_twice():
        clock.time += 60
        return len(refused) >= 2

    def delivered():
        clock.time += 60
        return queue.pending("merger") == 0

    with running(queue, "merger", send, lease_seconds=1e6):
        until(refused_twice)
        assert "nothing is listening" not in caplog.text, "it may be about to start"
        with function(handle, port):
            until(delivered)
    assert attempts == [1]
    sender.close()


def _body():
    delivery = Delivery(message_id="1", lease="", data=b"x", attributes={}, attempt=1, published=0.0)
    return pushed(topology().subscription("merger"), delivery)


def test_no_certificates_are_read_for_calls_of_functions_on_this_machine(monkeypatch):
    read = []
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: read.append(1) or ssl.SSLContext())
    HttpSender("http://127.0.0.1:1/")
    Scheduler("http://127.0.0.1:1/")
    assert read == []
