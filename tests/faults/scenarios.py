"""What goes wrong, and what must hold then. A seed chooses the moments; the machine's load moves them as well.

kills       the worker, functions, `up` alone and all of it are killed while recordings are in progress
duplicates  each message to a function is posted twice more at once, and again after the end
files       are renamed, overwritten, written into and deleted while they are transcribed
pauses      a worker is stopped for longer than its leases, another takes its parts, and it goes on
clocks      the wall clock is set by an hour and by a day, once during a call of a hosted engine; or a kill follows
hosted      functions and `up` are killed during calls of a hosted engine
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

from shared.client import submit
from shared.model import Options
from shared.state import answers
from tests.faults import assertions, proc
from tests.faults.assertions import Undisturbed
from tests.faults.deployment import LEASE, Deployment
from tests.faults.duplicates import Duplicator
from tests.faults.media import CHUNKS, NAMES, make

AFTER_KILL = 60.0
"""Seconds within which, leases and the work itself aside, all has ended after the last fault."""
A_CALL = 600.0
"""Seconds for which a call of a hosted engine whose process was killed may be under way elsewhere: nobody repeats it
before that, because it is paid for."""
STEPS = len(NAMES) * (1 + CHUNKS)
"""Recordings accepted and parts done, in the end."""
AFTER_STEP = 15.0
"""Seconds that all may take longer because the clock was set, and because a hosted engine is called beside."""
CLOCK_STEPS = [3600, -3600, 86_400]
"""Seconds by which the wall clock is set."""
WINDOWS = 2
"""Windows of a part, at most."""


def made(folder):
    """A folder of recordings, and what comes of them where nothing goes wrong."""
    media = folder / "media"
    media.mkdir()
    make(media)
    return media, undisturbed(folder, media)


def undisturbed(folder, media):
    """What comes out where nothing goes wrong."""
    deployment = Deployment(folder)
    try:
        drop(deployment, media)
        deployment.start()
        seconds = deployment.settle(len(NAMES))
        deployment.stop()
        found = Undisturbed(outputs=assertions.outputs(deployment.ports), seconds=seconds)
        assertions.every_one_is_done(deployment.ports, found.outputs)
        check(deployment, found, most_repeats=0)
    finally:
        deployment.close()
    return found


def drop(deployment, media):
    for name in NAMES:
        deployment.drop(media / name)


def check(deployment, expected, *, most_repeats):
    """Everything that holds whatever went wrong."""
    assertions.one_end_each(deployment.ports, expected.outputs)
    assertions.one_bill(deployment.ports, most_repeats)
    assertions.nothing_is_left(deployment)
    assertions.handed_over(deployment)


def kills(folder, media, expected, seed):
    """Five kills at moments of a seed."""
    chance = random.Random(seed)
    deployment, destroyed = Deployment(folder, page=True), 0
    kinds = ["worker", "worker and decoders", "functions", "up", "everything"]
    chance.shuffle(kinds)
    try:
        drop(deployment, media)
        deployment.start()
        for kind, step in zip(kinds, sorted(chance.sample(range(STEPS), len(kinds))), strict=True):
            deployment.wait(lambda step=step: deployment.progress() >= step)
            time.sleep(chance.uniform(0.0, 0.5))
            destroyed += deployment.leased()
            _kill(deployment, kind, chance)
        deployment.settle(len(NAMES), expected.seconds + LEASE + AFTER_KILL)
        deployment.stop()
        check(deployment, expected, most_repeats=destroyed)
        assertions.every_one_is_done(deployment.ports, expected.outputs)
        again = sum(count - 1 for count in Counter(deployment.calls.read_text().split()).values())
        assert again <= destroyed * WINDOWS, "the engine heard again what no kill destroyed"
    finally:
        deployment.close()


def _kill(deployment, kind, chance):
    deployment.note()
    if kind in {"up", "everything"}:
        deployment.kill(all_of_it=kind == "everything")
    elif kind == "functions":
        functions = deployment.functions()
        for one in chance.sample(functions, min(len(functions), chance.randint(1, 5))):
            proc.kill(proc.tree(one.pid))
    else:
        worker = deployment.worker()
        proc.kill(proc.tree(worker.pid) if kind == "worker and decoders" else [worker])


def duplicates(folder, media, expected, seed, server, key):
    """Messages delivered twice more at once, and again at the end; two recordings are done by a hosted engine."""
    deployment = _beside(server, key, folder)
    try:
        duplicator = Duplicator(deployment)
        drop(deployment, media)
        asked = [_ask(deployment, media / name) for name in NAMES[:2]]
        with duplicator.running():
            deployment.start()
            deployment.settle(len(NAMES) + len(asked), 2 * expected.seconds + AFTER_KILL)
        assert set(duplicator.statuses) <= {200, 500, None}, sorted(map(str, duplicator.statuses))
        before = deployment.recordings(), assertions.rows(deployment.ports), len(server.asked)
        duplicator.statuses.clear()
        assert duplicator.once_more() > 20
        assert set(duplicator.statuses) == {200}
        deployment.wait(lambda: not deployment.pending())
        after = deployment.recordings(), assertions.rows(deployment.ports), len(server.asked)
        assert after == before
        deployment.stop()
        check(deployment, expected, most_repeats=0)
        assert all(answers.find(one, deployment.ports.records).answer is not None for one in asked)
        _calls_are_billed(deployment, server, most_repeats=0)
        calls = Counter(deployment.calls.read_text().split())
        assert set(calls.values()) == {1}
    finally:
        deployment.close()


def files(folder, media, expected, seed):
    """Files that somebody moves, replaces and deletes while they are transcribed."""
    chance = random.Random(seed)
    deployment = Deployment(folder)
    one, two = media / NAMES[0], media / NAMES[1]
    kept, renamed, replaced, written, deleted = (
        f"{name}.wav" for name in ("kept", "renamed", "replaced", "written", "deleted")
    )
    try:
        for name in (kept, renamed, replaced, written, deleted):
            deployment.drop(one, name)
        deployment.start()
        deployment.wait(lambda: sum(bool(each.chunks) for each in deployment.recordings()) == 5)
        time.sleep(chance.uniform(0.0, 1.5))
        (deployment.inbox / renamed).rename(deployment.inbox / "new.wav")
        deployment.drop(two, replaced, seconds=1)
        (deployment.inbox / written).write_bytes(one.read_bytes())
        (deployment.inbox / deleted).unlink()
        deployment.settle(8, 2 * expected.seconds + AFTER_KILL)
        deployment.stop()
        check(deployment, expected, most_repeats=0)
        for each in deployment.recordings():
            assert each.state == "DONE" or each.code == "missing", (each.source.name, each.reason)
        live = {
            each.source.name: each.state
            for each in deployment.recordings()
            if deployment.ports.store.stat(each.source.bucket, each.source.name) == _as_stored(each.source)
        }
        assert live == dict.fromkeys([kept, "new.wav", replaced, written], "DONE")
        texts = {
            name: (deployment.out / name / "transcript.srt").read_bytes()
            for name in (kept, "new.wav", written, replaced)
        }
        assert texts[kept] == texts["new.wav"] == texts[written] == subtitles(expected, NAMES[0])
        assert texts[replaced] == subtitles(expected, NAMES[1])
    finally:
        deployment.close()


def pauses(folder, media, expected, seed):
    """A worker that sleeps for longer than its leases, beside another."""
    chance = random.Random(seed)
    deployment = Deployment(folder)
    try:
        drop(deployment, media)
        deployment.start()
        step = chance.randrange(len(NAMES), STEPS - CHUNKS)
        deployment.wait(lambda: deployment.progress() >= step)
        with deployment.another_worker() if chance.random() < 0.7 else nullcontext():
            time.sleep(chance.uniform(0.0, 0.5))
            worker, stopped = deployment.worker(), deployment.leased()
            worker.send(signal.SIGSTOP)
            time.sleep(LEASE + chance.uniform(1.0, 4.0))
            worker.send(signal.SIGCONT)
            deployment.settle(len(NAMES), expected.seconds + LEASE + AFTER_KILL)
        deployment.stop()
        if deployment.pending():
            # It woke up so late that it told of its results while `up` was stopping: the next start takes that.
            deployment.start()
            deployment.settle(len(NAMES))
            deployment.stop()
        check(deployment, expected, most_repeats=stopped)
        assertions.every_one_is_done(deployment.ports, expected.outputs)
    finally:
        deployment.close()


def clocks(folder, media, expected, seed, server, key, *, kills):
    """The wall clock is set while recordings are in progress, and a process killed after that if it is asked for."""
    chance = random.Random(seed)
    deployment, destroyed = _beside(server, key, folder), 0
    steps, hear = chance.sample(CLOCK_STEPS, len(CLOCK_STEPS)), server.heard
    in_call, first = steps.pop(), []
    try:
        duplicator = Duplicator(deployment)

        def heard(body):
            if not first:
                first.append(len(server.asked))
                deployment.step_clock(in_call)
                duplicator.once_more({"deepgram"})
            return hear(body)

        server.heard = heard
        drop(deployment, media)
        asked = [_ask(deployment, media / NAMES[0])]
        deployment.start()
        for step, progress in zip(
            steps, sorted(chance.sample(range(len(NAMES), STEPS - CHUNKS), 2)), strict=True
        ):
            deployment.wait(lambda progress=progress: deployment.progress() >= progress)
            time.sleep(chance.uniform(0.0, 0.5))
            deployment.step_clock(step)
            if kills:
                destroyed += deployment.leased()
                _kill(deployment, chance.choice(["worker", "worker and decoders", "everything"]), chance)
        allowed = LEASE + AFTER_KILL if kills else AFTER_STEP
        deployment.settle(len(NAMES) + len(asked), expected.seconds + allowed)
        assert first, "the clock was not set during a call"
        assert duplicator.statuses, "no message came again during the call"
        deployment.stop()
        repeats = destroyed + (CHUNKS if kills else 0)
        check(deployment, expected, most_repeats=repeats)
        assert {one.state for one in deployment.recordings()} == {"DONE"}
        _calls_are_billed(deployment, server, most_repeats=repeats)
        again = sum(count - 1 for count in Counter(deployment.calls.read_text().split()).values())
        assert again <= destroyed * WINDOWS
    finally:
        deployment.close()


def hosted(folder, media, expected, seed, server, key):
    """Kills during calls of a hosted engine: each call has its row, and none is repeated while it may be under way."""
    chance = random.Random(seed)
    deployment = _beside(server, key, folder)
    try:
        asked = [_ask(deployment, media / name) for name in NAMES]
        deployment.start()
        for kind in chance.sample(["functions", "up", "everything"], 2):
            count = len(server.asked)
            deployment.wait(lambda count=count: len(server.asked) > count or deployment.progress() >= STEPS)
            time.sleep(chance.uniform(0.0, 0.8))
            _kill(deployment, kind, chance)
        deployment.settle(len(asked), A_CALL + LEASE + AFTER_KILL)
        deployment.stop()
        check(deployment, expected, most_repeats=len(asked) * CHUNKS)
        assert {one.state for one in deployment.recordings()} == {"DONE"}
        _calls_are_billed(deployment, server, most_repeats=len(asked) * CHUNKS)
    finally:
        deployment.close()


def _beside(server, key, folder):
    """A deployment that has a hosted engine, whose calls take a moment."""
    count = server.heard

    def heard(body):
        time.sleep(0.5)
        return count(body)

    server.heard = heard
    server.asked.clear()
    return Deployment(folder, DEEPGRAM_API_KEY=key, DROPSCRIBE_DEEPGRAM_URL=server.url)


def _ask(deployment, path):
    ports = deployment.ports
    return submit(ports.file(path).uri, ports=ports, options=Options(method="deepgram"))


def _calls_are_billed(deployment, server, *, most_repeats):
    """Each call that reached the hosted engine has its row; no part was sent twice but for a fault."""
    billed = [row for row in assertions.rows(deployment.ports) if row["engine"] == "deepgram"]
    # A process may be killed after it has written the row and before it has sent anything.
    assert len(server.asked) <= len(billed)
    assert not [row for row in billed if row["outcome"] == "heard" and not row["usd"]]
    bodies = Counter(one.body for one in server.asked)
    assert sum(bodies.values()) - len(bodies) <= most_repeats


def subtitles(expected, name):
    """Those of one recording, without faults."""
    [data] = [
        data
        for path, data in expected.outputs.items()
        if f"/{name}/" in path and path.endswith("/transcript.srt")
    ]
    return data


def _as_stored(source):
    return replace(source, metadata={})
