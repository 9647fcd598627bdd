"""The console's server: lists of 10,000 recordings, a transcript of twelve hours, an upload of 2 GB, and what it reads.

python -m bench console [--recordings 10000] [--upload-gb 2]

Answers are taken over HTTP from a server in a process of its own, as a page takes them. `console-page` measures the page.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from bench import command_line
from gpu_job.peak_memory import peak_memory
from local.backend.embedded_ports import open_ports
from shared.model import AudioInfo, Chunk, Decision, Options, Recording, StoredObject, recording_id
from shared.settings import Settings
from shared.state import documents
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "a token of the benchmark"
ASKED = 100


def recording(number: int) -> Recording:
    """One of many, in one of the usual states."""
    source = StoredObject(
        bucket="audio", name=f"calls/2026/call-{number:05}.mp3", generation=number + 1, size=4_000_000
    )
    options = Options(label=("sales", "support", None)[number % 3])
    state = ("DONE", "DONE", "DONE", "FAILED", "PLANNED")[number % 5]
    audio = AudioInfo(
        format="mp3", codec="mp3", sample_rate=16_000, channels=1, duration=240.0, exact=True, splittable_by="bytes"
    )  # fmt: skip
    chunk = Chunk(index=0, start=0.0, end=None, lead=0.0, tail=0.0, engine="parakeet-cpu")
    return Recording(
        id=recording_id(source, options),
        source=source,
        options=options,
        state=state,
        created=1_800_000_000.0 + number,
        finished=1_800_000_060.0 + number if state != "PLANNED" else None,
        audio=audio,
        duration=240.0,
        words=600,
        chunks=(chunk,),
        published=1,
        announced=True,
        decision=Decision(method="parakeet", engine="parakeet-cpu", model="tiny", reason="the only engine"),
        reason="It cannot be decoded." if state == "FAILED" else "",
    )


def p95(address: str, client: httpx.Client, **query: str) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(ASKED):
        started = time.perf_counter()
        client.get(address, params=query).raise_for_status()
        taken.append(1000 * (time.perf_counter() - started))
    return sorted(taken)[int(ASKED * 0.95)]


def upload(client: httpx.Client, size: int) -> tuple[float, float]:
    """Seconds, and bytes a second."""
    piece = os.urandom(1 << 20)

    def body():
        left = size
        while left:
            yield piece[:left]
            left -= len(piece[:left])

    place = client.post("/api/v1/uploads", json={"name": "large.wav", "size": size}).raise_for_status().json()
    started = time.perf_counter()
    client.put(place["upload_url"], content=body(), timeout=600).raise_for_status()
    seconds = time.perf_counter() - started
    return seconds, size / seconds


def main() -> int:
    """Measure, print the table; 0 when everything ran."""
    parser = command_line("console", __doc__)
    parser.add_argument("--recordings", type=int, default=10_000)
    parser.add_argument("--upload-gb", type=float, default=2.0)
    arguments = parser.parse_args()
    shown = Table("what", "measured", "aim")
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        given = {
            "DROPSCRIBE_STATE_DIR": f"{name}/state",
            "DROPSCRIBE_INBOX": f"{name}/inbox",
            "DROPSCRIBE_ENGINES": "parakeet-cpu",
            "PARAKEET_MODEL_NAME": "tiny",
            "DROPSCRIBE_CONSOLE_PORT": str(port),
            "DROPSCRIBE_CONSOLE_TOKEN": TOKEN,
        }
        ports = open_ports(Settings.from_environment(given))
        for number in range(arguments.recordings):
            one = recording(number)
            documents.put(documents.RECORDINGS, one.id, one, ports)
        command = [sys.executable, "-m", "console"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | given)
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )
        try:
            _wait(client)
            for what, query in (
                ("a page of 50", {}),
                ("a filter: FAILED", {"state": "FAILED"}),
                ("a filter: in trouble", {"trouble": "1"}),
                ("a filter: label", {"label": "sales"}),
                ("a part of a name, at the far end", {"text": "call-00007"}),
            ):
                shown.add_row(
                    f"{what} of {arguments.recordings:,}",
                    f"{p95('/api/v1/recordings', client, **query):.0f} ms p95",
                    "100 ms",
                )
            before = peak_memory(process.pid)
            seconds, rate = upload(client, round(arguments.upload_gb * 1e9))
            shown.add_row(
                f"an upload of {arguments.upload_gb:g} GB", f"{seconds:.1f} s, {rate / 1e6:.0f} MB/s", ""
            )
            shown.add_row(
                "peak memory for it", f"+{(peak_memory(process.pid) - before) / 1e6:.0f} MB", "+50 MB"
            )
        finally:
            process.terminate()
            process.wait()
            ports.close()
    Console().print(shown)
    return 0


def _wait(client: httpx.Client) -> None:
    for _ in range(300):
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the console does not answer")


if __name__ == "__main__":
    sys.exit(main())
