"""Run a function in real processes of its own, several at a time, or until it is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Each is a fork of one process that has loaded what they need, and nothing else.
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(
    [f"tests.contract.test_{name}" for name in ("claims", "queue", "records", "search", "store")]
    + [f"tests.contract.{name}" for name in ("cloud_storage", "fire_store", "pub_sub", "shards")]
)


def in_processes(count, work, *arguments):
    """What `work(index, *arguments)` returns in each of `count` processes that begin together."""
    barrier = _forked.Barrier(count)
    pipes = [_forked.Pipe(duplex=False) for _ in range(count)]
    workers = [
        _forked.Process(target=_report, args=(barrier, sender, work, index, arguments))
        for index, (_, sender) in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    for _, sender in pipes:
        # Only the worker holds it then, so one that dies raises EOFError here.
        sender.close()
    answers = [receiver.recv() for receiver, _ in pipes]
    for worker in workers:
        worker.join()
        worker.close()
    for receiver, _ in pipes:
        receiver.close()
    return answers


def killed(work, *arguments):
    """Run `work(say, *arguments)` in a process, and `kill -9` it as soon as it calls `say(value)`.

    Gives the value.
    """
    receiver, sender = _forked.Pipe(duplex=False)
    worker = _forked.Process(target=work, args=(Say(sender), *arguments))
    worker.start()
    sender.close()
    try:
        value = receiver.recv()
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        worker.close()
        receiver.close()
    return value


class Say:
    """Tells the parent a value, then waits to be killed."""

    def __init__(self, sender: Connection) -> None:
        self._sender = sender

    def __call__(self, value) -> None:
        self._sender.send(value)
        signal.pause()


def _report(barrier, sender, work, index, arguments):
    barrier.wait(60)
    sender.send(work(index, *arguments))
