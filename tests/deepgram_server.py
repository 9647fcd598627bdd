"""A server that answers as Deepgram's API reference says, or as a test tells it to.

https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded and
https://developers.deepgram.com/docs/errors are what it was written from. It keeps what it was asked, and what
it would have charged for.
"""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import av

KEY = "test-key-3f9a"
AT_AN_ADDRESS = 60.0
"""Seconds of whatever is behind an address: silence, as this server reads none."""


@dataclass
class Asked:
    """One request, as it came."""

    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def url(self):
        """The address to read from, None where audio was sent."""
        return json.loads(self.body)["url"] if self.headers["content-type"] == "application/json" else None


@dataclass
class Reply:
    """What to answer. `cut`: break the connection off after the request has been read."""

    status: int = 200
    body: bytes | dict | None = None
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: bool = False
    drip: float = 0.0


def refused(status, code, message, **headers):
    """An error in the form that most of Deepgram's have."""
    body = {"err_code": code, "err_msg": message, "request_id": f"refused-{status}"}
    return Reply(status=status, body=body, headers=headers)


def word(text, start, end, **more):
    return {"word": text.strip(".,?!").lower(), "start": start, "end": end, "confidence": 0.98,
            "punctuated_word": text} | more  # fmt: skip


def answer(words, seconds, *, request_id="5f1c9a40-0000-4000-8000-000000000001", language="en"):
    """A successful response, with the fields that the reference names."""
    text = " ".join(one.get("punctuated_word", "") for one in words)
    return {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": request_id,
            "sha256": "0" * 64,
            "created": "2026-11-20T10:00:00.000Z",
            "duration": seconds,
            "channels": 1,
            "models": ["1abfe86b-0000-4000-8000-000000000002"],
            "model_info": {
                "1abfe86b-0000-4000-8000-000000000002": {
                    "name": "general-nova-3", "version": "2025-04-17.21547", "arch": "nova-3",
                }
            },
        },
        "results": {
            "channels": [
                {
                    "detected_language": language,
                    "language_confidence": 0.99,
                    "alternatives": [
                        {
                            "transcript": text,
                            "confidence": 0.99,
                            "words": words,
                            "paragraphs": {"transcript": text, "paragraphs": []},
                        }
                    ],
                }
            ]
        },
    }  # fmt: skip


def seconds_of(body):
    """Length of the audio that was sent; Deepgram measures it as well."""
    with av.open(io.BytesIO(body)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def counting(body):
    """What is heard in audio where nobody says otherwise: a word every half second."""
    return [word(f"Word{i}", i / 2 + 0.1, i / 2 + 0.4) for i in range(int(seconds_of(body) * 2))]


class DeepgramServer:
    """Answers what stands in `replies`, one after the other, and then as Deepgram would."""

    def __init__(self):
        self.asked: list[Asked] = []
        self.replies: list[Reply] = []
        self.charged = 0.0
        self.heard = counting
        self.most_open = self._open = 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, *_):
                """A client that has gone away is no news."""

        self.http = Server(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, handler):
        length = int(handler.headers.get("content-length") or 0)
        asked = Asked(
            query=parse_qs(urlsplit(handler.path).query),
            headers={name.lower(): value for name, value in handler.headers.items()},
            body=handler.rfile.read(length),
        )
        with self._lock:
            number = len(self.asked)
            self.asked.append(asked)
            reply = self.replies.pop(0) if self.replies else Reply()
            self._open += 1
            self.most_open = max(self.most_open, self._open)
        try:
            self._send(handler, self._fill(reply, asked, handler.path, number), reply)
        finally:
            with self._lock:
                self._open -= 1

    def _fill(self, reply, asked, path, number):
        if urlsplit(path).path != "/v1/listen":
            reply.status, reply.body = 404, b"not found"
        elif asked.headers.get("authorization") != f"Token {KEY}":
            reply.status, reply.body = 401, refused(401, "INVALID_AUTH", "Invalid credentials.").body
        elif reply.status == 200 and reply.body is None:
            seconds = AT_AN_ADDRESS if asked.url else seconds_of(asked.body)
            self.charged += seconds
            words = [] if asked.url else self.heard(asked.body)
            reply.body = answer(words, seconds, request_id=f"request-{number}")
        return reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()

    def _send(self, handler, body, reply):
        self.stopped.wait(reply.wait)
        if reply.cut:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if not reply.drip:
            handler.wfile.write(body)
            return
        for at in range(len(body)):
            handler.wfile.write(body[at : at + 1])
            handler.wfile.flush()
            if self.stopped.wait(reply.drip):
                return


@contextmanager
def deepgram_server():
    """Gives a running DeepgramServer."""
    server = DeepgramServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.http.shutdown()
        thread.join()
        server.http.server_close()
