"""Requests to OpenAI's endpoint, in this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette

from console.openai import routes
from console.results import Results
from tests import event_loop

AUDIO = b"RIFF\0\0\0\0WAVEfmt "
URL = "/v1/audio/transcriptions"


@asynccontextmanager
async def client_of(world):
    app = Starlette(routes=routes.routes())
    app.state.ports, app.state.results = world.ports, Results()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


def run(scenario):
    return event_loop.run(asyncio.wait_for(scenario, 30))


def form(**fields):
    return {"data": {"model": "whisper-1"} | fields, "files": {"file": ("a.wav", AUDIO)}}
