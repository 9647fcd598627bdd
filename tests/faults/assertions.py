"""What holds after every fault: the promise of one transcript, one bill and nothing left over."""

from __future__ import annotations

import hashlib
import signal
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from local.backend.files.names import TEMPORARY
from shared.flow import record, same_content
from shared.flow.chunk import result_name
from shared.state import dead_letters, documents

SQLITE = {f"{name}.sqlite{suffix}" for name in ("dropscribe", "search") for suffix in ("", "-shm", "-wal")}
LINGER = 20.0
"""Seconds in which processes that lost their parent end: a worker first finishes what it can."""


@dataclass(frozen=True)
class Undisturbed:
    """What comes out where nothing goes wrong."""

    outputs: dict[str, bytes]
    """Every output of every recording, by the name of its object."""
    seconds: float
    """How long it took, from the start to the last end."""


def outputs(ports):
    """All objects in the transcripts bucket."""
    bucket = ports.settings.transcripts_bucket
    return {one.name: ports.store.load(bucket, one.name) for one in ports.store.list(bucket)}


def rows(ports):
    return [fields for _, fields in ports.records.query(documents.LEDGER)]


def one_end_each(ports, expected):
    """Each recording has one end: DONE with exactly its files, or FAILED with a reason and no file.

    Args:
        expected: outputs of an undisturbed run, by their names; every one that there is must be the same.
    """
    there, named = outputs(ports), Counter()
    for one in documents.recordings(ports.records):
        about = f"{one.source.name} ({one.state}, {one.code}: {one.reason})"
        assert one.ended, f"{about} has not ended"
        assert one.announced, f"nobody was told of {about}"
        assert not one.withdrawn, about
        if one.state != "DONE":
            assert one.reason, about
            assert one.code, about
            assert not one.outputs, about
            continue
        assert one.outputs == tuple(file.name for file in one.files), about
        for file in one.files:
            assert hashlib.sha256(there[file.name]).hexdigest() == file.sha256, f"{about}: {file.name}"
        named.update(one.outputs)
    assert named == Counter(list(there)), "every file is one of exactly one recording"
    for name, data in there.items():
        assert data == expected.get(name, data), f"{name} has other bytes than without faults"


def every_one_is_done(ports, expected):
    """All that an undisturbed run gives is there."""
    assert {one.state for one in documents.recordings(ports.records)} == {"DONE"}
    assert outputs(ports) == expected


def one_bill(ports, most_repeats):
    """Each part has the row of the attempt that it is made of; others are there only where a fault repeated work.

    Args:
        most_repeats: parts that were in the hands of whoever was killed.
    """
    found, chunks = rows(ports), [fields for _, fields in ports.records.query(documents.CHUNKS)]
    keys = Counter((row["recording"], row["chunk"], row["engine"], row["attempt"]) for row in found)
    assert set(keys.values()) <= {1}
    used = {(one["recording"], one["index"], one["engine"], one["attempt"]) for one in chunks}
    assert used <= set(keys), f"nobody was charged for {used - set(keys)}"
    more = [
        row for row in found if (row["recording"], row["chunk"], row["engine"], row["attempt"]) not in used
    ]
    assert len(more) <= most_repeats, f"work was repeated that no fault destroyed: {more}"
    for one in documents.recordings(ports.records):
        mine = [row["usd"] for row in found if row["recording"] == one.id]
        assert record.cost(one.id, ports) == pytest.approx(sum(mine), abs=1e-9)
        has = sum(chunk["recording"] == one.id for chunk in chunks)
        if same_content.reason_of(one):
            assert not mine
            assert not has, "it has the transcript of another recording"
        elif one.state == "DONE":
            assert has >= len(one.chunks)


def nothing_is_left(deployment):
    """No message, no dead letter, no process and no half-written file. The deployment is stopped."""
    ports = deployment.ports
    assert not deployment.pending()
    assert not ports.records.count(dead_letters.DEAD_LETTERS)
    deadline = time.monotonic() + LINGER
    while left := [one for one in deployment.seen if not one.is_gone()]:
        if time.monotonic() > deadline:
            for one in left:
                if one.is_worker():
                    one.send(signal.SIGUSR1)
            time.sleep(1.0)
            raise AssertionError(f"still running: {left}; the log has where the workers are")
        time.sleep(0.1)
    # `page.json` is a lock as well: it is empty while nobody serves the page.
    assert {one.name for one in deployment.state.iterdir()} <= SQLITE | {"up.lock", "buckets", "page.json"}
    assert not deployment.page or not (deployment.state / "page.json").stat().st_size
    for folder in (deployment.state, deployment.out):
        hidden = [one for one in folder.rglob(".*") if one.is_file()]
        assert not hidden, f"half-written files: {hidden}"
        assert not list(folder.rglob(f"{TEMPORARY}*"))
    results = {
        result_name(fields["recording"], fields["index"])
        for _, fields in ports.records.query(documents.CHUNKS)
    }
    work = {one.name: one.size for one in ports.store.list(ports.settings.work_bucket, "chunks/")}
    # Beside a result an attempt may have tried out with an empty object whether the bucket takes one.
    tried = {name for name, size in work.items() if not size}
    assert work.keys() - tried == results
    assert {name[: name.index(".json.")] + ".json" for name in tried} <= results


def handed_over(deployment):
    """The transcript of every file that is in the inbox lies in the output folder."""
    ports = deployment.ports
    for one in deployment.recordings():
        live = ports.store.stat(one.source.bucket, one.source.name)
        if one.source.bucket != ports.settings.audio_bucket or one.state != "DONE":
            continue
        if live is None or live.generation != one.source.generation:
            continue
        for name in one.outputs:
            copy = deployment.out / one.source.name / name.rsplit("/", 1)[-1]
            assert copy.read_bytes() == ports.store.load(ports.settings.transcripts_bucket, name), copy
