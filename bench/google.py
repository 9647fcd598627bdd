"""What queue and records cost through Google's real clients: `python -m bench google`.

Against the emulators, which run beside on the same cores: the figures compare ways of calling, and bound the
client's own work; they say nothing of the services. PUBSUB_EMULATOR_HOST and FIRESTORE_EMULATOR_HOST name
other servers.
"""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from google.cloud import pubsub_v1
from rich.console import Console
from rich.table import Table

from bench import command_line
from shared.adapters.firestore import FirestoreRecords
from shared.adapters.pubsub import PubSubQueue
from shared.engines import PARAKEET_GPU
from shared.messages import to_fields
from shared.results import LedgerRow
from shared.state import documents
from shared.topology import topology
from tests.emulators import firestore_emulator, pubsub_emulator
from tests.pubsub_topology import ensure

MESSAGE = b"x" * 900
"""About the length of a chunk's message."""
PLAN = 72
"""Chunks of twelve hours in parts of ten minutes."""
MESSAGES, RESULTS = 720, 400
THREADS = 8


def main() -> None:
    """Measure and print the table."""
    command_line("google", __doc__).parse_args()
    table = Table("what", "how", "each", "a second")

    def row(what, how, count, seconds):
        table.add_row(what, how, f"{seconds / count * 1e3:.2f} ms", f"{count / seconds:.0f}")

    project = f"bench-{uuid.uuid4().hex[:8]}"
    with pubsub_emulator() as address:
        os.environ["PUBSUB_EMULATOR_HOST"] = address
        _queue(project, row)
    with firestore_emulator() as address:
        os.environ["FIRESTORE_EMULATOR_HOST"] = address
        _records(project, row)
    Console(width=110).print(table)  # the same in a file as on a screen


def _queue(project, row):
    queue = PubSubQueue(project)
    ensure(project, topology())
    queue.publish(PARAKEET_GPU.topic, MESSAGE)

    started = time.perf_counter()
    for _ in range(PLAN):
        queue.publish(PARAKEET_GPU.topic, MESSAGE, {"recording": "r"})
    row("publish a plan of 72 chunks", "publish, one after the other", PLAN, time.perf_counter() - started)

    started = time.perf_counter()
    queue.publish_many(PARAKEET_GPU.topic, [(MESSAGE, {"recording": "r"})] * PLAN)
    row("", "publish_many", PLAN, time.perf_counter() - started)

    library = pubsub_v1.PublisherClient()
    topic = library.topic_path(project, PARAKEET_GPU.topic)
    library.publish(topic, MESSAGE).result()
    started = time.perf_counter()
    for _ in range(PLAN):
        library.publish(topic, MESSAGE, recording="r").result()
    row("", "the library's batching publisher, waiting for each", PLAN, time.perf_counter() - started)
    started = time.perf_counter()
    for future in [library.publish(topic, MESSAGE, recording="r") for _ in range(PLAN)]:
        future.result()
    row("", "the same, waiting for all", PLAN, time.perf_counter() - started)
    library.stop()

    while found := queue.pull("gpu-worker", 1000, 60):
        for one in found:
            queue.ack("gpu-worker", one.lease)

    started = time.perf_counter()
    for _ in range(MESSAGES // PLAN):
        queue.publish_many(PARAKEET_GPU.topic, [(MESSAGE, {"recording": "r"})] * PLAN)
    taken = _take(queue, MESSAGES, 1)
    row("publish, pull, lease, ack", "pull 1 at a time, one thread", taken, time.perf_counter() - started)

    started = time.perf_counter()
    for _ in range(MESSAGES // PLAN):
        queue.publish_many(PARAKEET_GPU.topic, [(MESSAGE, {"recording": "r"})] * PLAN)
    with ThreadPoolExecutor(THREADS) as pool:
        taken = sum(pool.map(lambda _: _take(queue, MESSAGES // THREADS, 10), range(THREADS)))
    row("", f"pull 10 at a time, {THREADS} threads", taken, time.perf_counter() - started)
    queue.close()


def _take(queue, count, limit):
    taken = 0
    while taken < count:
        found = queue.pull("gpu-worker", min(limit, count - taken), 60)
        for one in found:
            assert queue.ack("gpu-worker", one.lease)
        taken += len(found)
    return taken


def _records(project, row):
    records = FirestoreRecords(project)
    records.create("warm", "up", {})

    def keep(index):
        key = documents.chunk_key("bench" if index < RESULTS else "many", index)
        recording = key.partition(".")[0]
        result = LedgerRow(
            recording=recording, chunk=index, engine="parakeet-gpu", attempt="1-1", audio_seconds=608.0,
            busy_seconds=1.234, usd=0.000359, prices="2026-01-01",
        )  # fmt: skip
        assert records.create(documents.LEDGER, f"{key}.parakeet-gpu.1-1", to_fields(result))
        assert records.create(documents.CHUNKS, key, {"recording": recording, "index": index})

    started = time.perf_counter()
    for index in range(RESULTS):
        keep(index)
    row("keep a chunk's result (ledger row, chunk)", "one thread", RESULTS, time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(keep, range(RESULTS, 2 * RESULTS)))
    row("", f"{THREADS} threads", RESULTS, time.perf_counter() - started)

    for name, ask in (
        ("count the chunks of a recording", lambda: records.count(documents.CHUNKS, {"recording": "bench"})),
        ("sum its ledger", lambda: records.sum(documents.LEDGER, "usd", {"recording": "bench"})),
    ):
        started = time.perf_counter()
        for _ in range(50):
            ask()
        row(name, f"of {RESULTS}", 50, time.perf_counter() - started)

    records.create("c", "hot", {"n": 0})
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: records.update("c", "hot", lambda f: {"n": f["n"] + 1}), range(10 * THREADS)))
    assert records.get("c", "hot") == {"n": 10 * THREADS}
    row("update one document", f"{THREADS} threads at once", 10 * THREADS, time.perf_counter() - started)
    records.close()


if __name__ == "__main__":
    main()
