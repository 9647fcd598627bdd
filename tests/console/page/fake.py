"""The console's API with made-up recordings: what the tests of the page need to bring about at will.

It answers as docs/api.md says; tests/console/page/test_real_server.py runs the page against the real one.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.formats import FILES

PAGE = Path(__file__).resolve().parents[3] / "console" / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
OPTIONS = json.loads((PAGE.parents[1] / "docs" / "request.schema.json").read_text())["properties"]["options"]
FORMATS = [{"name": one.name, "label": one.name} for one in FILES]


def row(key, name, **more):
    """A row of the list."""
    usual = {
        "id": key,
        "name": name,
        "uri": f"file:///inbox/{name}",
        "state": "DONE",
        "label": "",
        "created": time.time() - 3600,
        "finished": time.time() - 3000,
        "seconds": 60.0,
        "method": "parakeet",
        "engines": ["parakeet-cpu"],
        "usd": 0.0021,
        "chunks": 1,
        "chunks_done": 1,
        "held": False,
        "trouble": False,
        "reason": "",
        "warnings": 0,
        "speakers": 0,
        "language": "en",
        "size": 1_200_000,
    }
    return usual | more


def words_of(paragraphs, *, speakers=(), every=400, confidence=lambda index: 95):
    """The answer for a transcript. `paragraphs`: texts, or pairs of speaker and text; a word every `every` ms."""
    text, who, first = [], [], []
    for one in paragraphs:
        speaker, said = one if isinstance(one, tuple) else (None, one)
        first.append(len(text))
        text += said.split()
        who += [speaker] * len(said.split())
    return {
        "complete": True,
        "revision": 0,
        "words": {
            "text": text,
            "start": [index * every for index in range(len(text))],
            "end": [index * every + every - 50 for index in range(len(text))],
            "confidence": [confidence(index) for index in range(len(text))],
            "speaker": who,
        },
        "paragraphs": first,
        "gaps": [],
        "speakers": list(speakers),
    }


def edited(answer, change):
    """The words after a revision: those that came in share the time of those they replace."""
    columns = {name: list(values) for name, values in answer["words"].items()}
    starts = set(answer["paragraphs"])
    marks = [index in starts for index in range(len(columns["text"]))]
    for edit in sorted(change.get("edits", []), key=lambda one: -one["from"]):
        first, last, new = edit["from"], edit["to"], edit["text"].split()
        begin, length = columns["start"][first], columns["end"][last - 1] - columns["start"][first]
        step = length / max(1, len(new))
        fresh = {
            "text": new,
            "start": [round(begin + index * step) for index in range(len(new))],
            "end": [round(begin + (index + 1) * step) for index in range(len(new))],
            "confidence": [None] * len(new),
            "speaker": [columns["speaker"][first]] * len(new),
        }
        for name, values in fresh.items():
            columns[name][first:last] = values
        marks[first:last] = [any(marks[first:last]) and index == 0 for index in range(len(new))]
    names = list(answer["speakers"])
    for index, name in change.get("speakers", {}).items():
        names[int(index)] = name
    first = [index for index, mark in enumerate(marks) if mark]
    return answer | {
        "words": columns,
        "paragraphs": first,
        "speakers": names,
        "revision": answer["revision"] + 1,
    }


@dataclass
class Fake:
    """What it serves; tests change it and call `tell`."""

    audio: Path | None = None
    rendition: bool = False
    rows: dict[str, dict] = field(default_factory=dict)
    details: dict[str, dict] = field(default_factory=dict)
    words: dict[str, list[dict]] = field(default_factory=dict)
    peaks: dict[str, dict] = field(default_factory=dict)
    costs: dict = field(default_factory=dict)
    letters: list[dict] = field(default_factory=list)
    workers: list[dict] = field(default_factory=list)
    hits: list[dict] = field(default_factory=list)
    quote: dict = field(default_factory=dict)
    asked: list[tuple[str, str, object]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    break_uploads: int = 0
    break_costs: bool = False
    streams: list = field(default_factory=list)
    loop: object = None

    def add(self, key, name, answer=None, *, detail=None, **more):
        """A recording, with its words if it has any."""
        self.rows[key] = row(key, name, **more)
        self.details[key] = detail or {}
        if answer is not None:
            self.words[key] = [answer]

    def tell(self, name, value):
        """Sends an event to all pages that are open."""
        text = f"event: {name}\ndata: {json.dumps(value)}\n\n"
        for queue in self.streams:
            self.loop.call_soon_threadsafe(queue.put_nowait, text)

    def wait_for_streams(self, number):
        """Waits until so many pages listen: what is told before reaches none of them."""
        for _ in range(6000):
            if len(self.streams) == number:
                return
            time.sleep(0.01)
        raise AssertionError(f"{len(self.streams)} pages listen, not {number}")

    def detail(self, key):
        one = self.rows[key]
        usual = {
            "options": {},
            "why": "Parakeet on this CPU: no GPU here, and no key for Deepgram.",
            "warnings": [],
            "attempts": [],
            "downloads": [
                {
                    "format": form["name"],
                    "url": f"/api/v1/recordings/{key}/outputs/{form['name']}",
                    "bytes": None,
                }
                for form in FORMATS
                if one["state"] == "DONE"
            ],
            "revisions": [
                {"number": each["revision"], "author": "", "created": time.time(), "note": ""}
                for each in self.words.get(key, [])[1:]
            ],
            "audio": self.audio
            and {
                "url": f"/api/v1/recordings/{key}/audio",
                "rendition": self.rendition,
                "media_type": "audio/wav",
                "seconds": one["seconds"],
            },
            "peaks_url": f"/api/v1/recordings/{key}/peaks",
            "speakers": [],
        }
        return one | usual | self.details[key]

    def app(self):
        """The Starlette application."""
        routes = [
            ("/", self.page, "GET"),
            ("/recordings/{id}", self.page, "GET"),
            ("/search", self.page, "GET"),
            ("/costs", self.page, "GET"),
            ("/trouble", self.page, "GET"),
            ("/page/{path:path}", self.static, "GET"),
            ("/api/v1/about", self.about, "GET"),
            ("/api/v1/recordings", self.listed, "GET"),
            ("/api/v1/recordings/{id}", self.recording, "GET"),
            ("/api/v1/recordings/{id}", self.changed, "DELETE"),
            ("/api/v1/recordings/{id}/words", self.words_now, "GET"),
            ("/api/v1/recordings/{id}/peaks", self.peaks_now, "GET"),
            ("/api/v1/recordings/{id}/audio", self.sound, "GET"),
            ("/api/v1/recordings/{id}/outputs/{format}", self.output, "GET"),
            ("/api/v1/recordings/{id}/revisions", self.revise, "POST"),
            ("/api/v1/recordings/{id}/cancel", self.changed, "POST"),
            ("/api/v1/recordings/{id}/retry", self.changed, "POST"),
            ("/api/v1/retries", self.retries, "POST"),
            ("/api/v1/uploads", self.place, "POST"),
            ("/api/v1/uploads/{id}", self.receive, "PUT"),
            ("/api/v1/quotes", self.quoted, "POST"),
            ("/api/v1/search", self.search, "GET"),
            ("/api/v1/costs", self.cost, "GET"),
            ("/api/v1/trouble", self.trouble, "GET"),
            ("/api/v1/dead-letters/{id}/{act}", self.letter, "POST"),
            ("/api/v1/events", self.events, "GET"),
        ]
        made = [Route(path, run, methods=[method]) for path, run, method in routes]
        return Starlette(routes=made)

    async def page(self, request):
        nonce = secrets.token_urlsafe(12)
        text = (PAGE / "index.html").read_text().replace("{nonce}", nonce)
        headers = {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
        return Response(text, media_type="text/html", headers=headers)

    async def static(self, request):
        path = PAGE / request.path_params["path"]
        return FileResponse(
            path, media_type=TYPES.get(path.suffix), headers={"X-Content-Type-Options": "nosniff"}
        )

    async def about(self, request):
        return JSONResponse(
            {
                "version": "0.1.0",
                "platform": "local",
                "engines": [],
                "method": "auto",
                "model": "",
                "formats": FORMATS,
                "options": OPTIONS,
                "can_upload": True,
                "largest_upload": 5_000_000_000,
                "inbox": "/home/ann/inbox",
                "labels": ["sales", "research"],
            }
        )

    async def listed(self, request):
        query = request.query_params
        self.asked.append(("GET", "/recordings", dict(query)))
        found = sorted(self.rows.values(), key=lambda one: -one["created"])
        ended = {"DONE", "FAILED", "CANCELLED", "DELETED"}
        state = query.get("state")
        found = [
            one
            for one in found
            if one["state"] != "DELETED"
            and (not state or one["state"] == state or (state == "working" and one["state"] not in ended))
            and (not query.get("label") or one["label"] == query["label"])
            and query.get("text", "").lower() in f"{one['name']}\n{one['uri'].split('/', 3)[3]}".lower()
            and (not query.get("trouble") or one["trouble"])
            and (not query.get("held") or one["held"])
        ]
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
        more = str(start + limit) if start + limit < len(found) else None
        return JSONResponse({"recordings": found[start : start + limit], "next": more})

    async def recording(self, request):
        key = request.path_params["id"]
        if key not in self.rows:
            error = {"code": "not_found", "message": "There is no such recording. It may have been deleted."}
            return JSONResponse({"error": error}, 404)
        return JSONResponse(self.detail(key))

    async def words_now(self, request):
        found = self.words.get(request.path_params["id"])
        if not found:
            error = {"code": "not_found", "message": "There are no words yet."}
            return JSONResponse({"error": error}, 404)
        number = request.query_params.get("revision")
        return JSONResponse(found[-1] if number is None else found[int(number)])

    async def peaks_now(self, request):
        key = request.path_params["id"]
        count = int(self.rows[key]["seconds"] * 10)
        usual = {"rate": 10, "peaks": [(index * 37) % 200 + 20 for index in range(count)], "gaps": []}
        return JSONResponse(self.peaks.get(key, usual))

    async def sound(self, request):
        return FileResponse(self.audio, media_type="audio/wav")

    async def output(self, request):
        revision = request.query_params["revision"]
        headers = {"Content-Disposition": f'attachment; filename="{request.path_params["format"]}"'}
        return Response(f"revision {revision}", headers=headers)

    async def revise(self, request):
        key, change = request.path_params["id"], await request.json()
        self.asked.append(("POST", "/revisions", change))
        newest = self.words[key][-1]
        if change["based_on"] != newest["revision"]:
            theirs = {"number": newest["revision"], "author": "Bob", "created": time.time(), "note": ""}
            error = {"code": "stale", "message": "Somebody saved a revision before you."}
            return JSONResponse({"error": error, "theirs": theirs}, 409)
        self.words[key].append(edited(newest, change))
        return JSONResponse({"number": newest["revision"] + 1}, 201)

    async def changed(self, request):
        self.asked.append((request.method, request.url.path.removeprefix("/api/v1"), None))
        key = request.path_params["id"]
        state = {"cancel": "CANCELLED", "retry": "PLANNED"}.get(request.url.path.rsplit("/", 1)[1], "DELETED")
        self.rows[key] = self.rows[key] | {"state": state, "reason": "", "trouble": False}
        self.tell("recording", self.rows[key])
        self.tell("trouble", {})
        return JSONResponse(self.rows[key])

    async def retries(self, request):
        body = await request.json()
        self.asked.append(("POST", "/retries", body))
        return JSONResponse({"count": len(body["ids"]), "expected_usd": 0.25, "ids": body["ids"]})

    async def place(self, request):
        body = await request.json()
        self.asked.append(("POST", "/uploads", body))
        key = str(len(self.stored))
        self.stored[key] = b""
        return JSONResponse(
            {"upload_url": f"/api/v1/uploads/{key}", "method": "PUT", "headers": {}, "id": key}
        )

    async def receive(self, request):
        key, span = request.path_params["id"], request.headers.get("content-range", "")
        if span.startswith("bytes */"):
            there = self.stored[key]
            headers = {"Range": f"bytes=0-{len(there) - 1}"} if there else {}
            return Response(status_code=308, headers=headers)
        body = await request.body()
        if self.break_uploads:
            self.break_uploads -= 1
            self.stored[key] += body[: len(body) // 2]
            return Response(status_code=503)
        first = int(span.split()[1].split("-")[0]) if span else 0
        self.stored[key] = self.stored[key][:first] + body
        return JSONResponse({}, 201)

    async def quoted(self, request):
        body = await request.json()
        self.asked.append(("POST", "/quotes", body))
        usual = {
            "method": "parakeet",
            "sentence": "Parakeet on this CPU: no GPU here, and no key for Deepgram.",
            "usd_low": 0.001,
            "usd_high": 0.002,
            "table": [
                {"method": "parakeet", "usd": 0.002, "wait": 12.0, "score": 0.002, "why_not": ""},
                {
                    "method": "deepgram",
                    "usd": None,
                    "wait": None,
                    "score": None,
                    "why_not": "There is no key.",
                },
            ],
        }
        return JSONResponse(usual | self.quote)

    async def search(self, request):
        self.asked.append(("GET", "/search", dict(request.query_params)))
        return JSONResponse({"hits": self.hits, "next": None})

    async def cost(self, request):
        if self.break_costs:
            return StreamingResponse(iter([b'{"usd":']), headers={"Content-Length": "1000"})
        self.asked.append(("GET", "/costs", dict(request.query_params)))
        return JSONResponse(self.costs | {"by": request.query_params.get("by", "method")})

    async def trouble(self, request):
        failed = [one for one in self.rows.values() if one["state"] == "FAILED"]
        return JSONResponse({"failed": failed, "dead_letters": self.letters, "workers": self.workers})

    async def letter(self, request):
        key = request.path_params["id"]
        self.asked.append(("POST", f"/dead-letters/{key}/{request.path_params['act']}", None))
        self.letters = [one for one in self.letters if one["id"] != key]
        self.tell("trouble", {})
        return JSONResponse({})

    async def events(self, request):
        self.loop = asyncio.get_running_loop()
        return Stream(self.streams)


class Stream(StreamingResponse):
    """Events, whose queue is one of `streams` until it ends, however it does."""

    def __init__(self, streams):
        super().__init__(self.told(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self.streams, self.queue = streams, asyncio.Queue()

    async def told(self):
        yield ": hello\n\n"
        while True:
            yield await self.queue.get()

    async def __call__(self, scope, receive, send):
        self.streams.append(self.queue)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.streams.remove(self.queue)


@contextmanager
def serving(app):
    """Serves an application in a thread; gives its address."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
