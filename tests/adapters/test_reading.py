"""What probing and decoding a six-hour recording in Cloud Storage costs: bytes and requests, not seconds."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from test_utils.prefixer import Prefixer

from shared.adapters.gcs import GcsStore
from shared.audio import Sandbox
from shared.planning.plan import split
from tests.audio.media import write_repeated

HOURS, RATE = 6, 16_000
FORMATS = {
    "mp3": ("mp3", "libmp3lame", {}),
    "webm": ("webm", "libopus", {}),
    "webm, live": ("webm", "libopus", {"live": "1"}),
    "m4a": ("ipod", "aac", {}),
    "m4a, index first": ("ipod", "aac", {"movflags": "faststart"}),
    "mp4, fragmented": ("mp4", "aac", {"movflags": "empty_moov", "frag_duration": "10000000"}),
}
BESIDE = 400_000
"""Bytes that finding a chunk may take: header, its part of the index, a few looks where there is none."""


@dataclass
class Counted:
    """A recording in the store, and the requests that its bytes took."""

    store: GcsStore
    source: object

    def __post_init__(self):
        self.size = self.source.size
        self.requests = []

    def read(self, start, length):
        data = self.store.read(self.source, start, length)
        self.requests.append(len(data))
        return data


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as one:
        yield one


@pytest.fixture(params=FORMATS)
def recording(request, gcs_address, tmp_path, monkeypatch):
    """Opens the recording anew, with counts at zero."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{gcs_address}")
    container, codec, muxing = FORMATS[request.param]
    path = tmp_path / "long"
    rate = 48_000 if codec == "libopus" else RATE
    encoding = {"b": "24000"} | ({"frame_duration": "60"} if codec == "libopus" else {})
    write_repeated(str(path), container, codec, rate=rate, hours=HOURS, muxing=muxing, **encoding)
    store = GcsStore("dropscribe-tests")
    with storage.Client("dropscribe-tests", AnonymousCredentials()) as client:
        bucket = client.create_bucket(Prefixer("dropscribe", "reading", separator="-").create_prefix())
        bucket.blob("long").upload_from_filename(path)
        source = store.stat(bucket.name, "long")
        yield request.param, lambda: Counted(store, source)
        bucket.blob("long").delete()
    store.close()


def test_six_hours_are_probed_from_a_few_bytes_and_a_chunk_reads_little_more_than_its_own(recording, sandbox):
    kind, opened = recording
    probed = opened()
    audio = sandbox.probe(probed, name=kind)
    assert audio.duration == pytest.approx(HOURS * 3600, rel=0.01)
    assert sum(probed.requests) < 500_000
    assert len(probed.requests) <= 12

    chunks = split(audio, probed.size, 600.0, "parakeet-cpu")
    chunk = chunks[len(chunks) // 2]
    decoded = opened()
    pcm = sandbox.decode(decoded, audio, chunk)
    seconds = chunk.lead + chunk.end - chunk.start + chunk.tail
    assert pcm.seconds == pytest.approx(seconds, rel=0.02)
    own = decoded.size * seconds / (HOURS * 3600)
    # The whole index of an m4a is fetched with each chunk (decision 17).
    assert sum(decoded.requests) < (1.7 if FORMATS[kind][0] == "ipod" else 1.1) * own + BESIDE
    assert len(decoded.requests) <= 9
