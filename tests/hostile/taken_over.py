"""A decoder that a file has taken over: the real process, whose jobs run Python of the attacker's after the real cage
has closed.

As a script it is that process: `python -m tests.hostile.taken_over FD UID HOLE`, with the attacker's code on its
standard input. `decoder` puts it in the place of the real one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shared.audio.sandbox import child, process, seccomp, wire
from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
EVIL = "evil"
"""What the name of a recording begins with whose bytes take the decoder over."""


@contextlib.contextmanager
def decoder(monkeypatch, code, *, user=0, hole="", limits=None):
    """A sandbox whose process runs the attacker's code where a recording is named `evil…`.

    Args:
        monkeypatch: pytest's.
        code: Python, with `job`, `reader`, `remote`, `zygote` (its process id), `zygote_socket`, `libc` and some modules as names.
        user: as whom the process runs; 0 for whoever runs the tests.
        hole: name of a list in HOLES that is allowed although it must not be.
        limits: of each job.
    """

    class Hostile(subprocess.Popen):
        def __init__(self, command, **options):
            file = options.pop("stdin") and tempfile.TemporaryFile()  # noqa: SIM115 - the process reads it
            file.write(code.encode())
            file.seek(0)
            command = [sys.executable, "-P", "-c", START, command[-1], str(user), hole]
            super().__init__(command, **options | {"stdin": file})
            file.close()

    monkeypatch.setattr(process.subprocess, "Popen", Hostile)
    with Sandbox(limits or Limits(timeout_s=20)) as sandbox:
        yield sandbox


START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.hostile import taken_over; taken_over.serve()"
)

HOLES = {
    "": (),
    "path": (seccomp.Call("mkdir", 83, None), seccomp.Call("mkdirat", None, 34)),
    "process": (seccomp.Call("kill", 62, 129),),
    "memory": (seccomp.Call("process_vm_readv", 310, 270),),
}
"""Calls that a planted fault lets through."""


def serve():
    """Be the process."""
    import av  # noqa: PLC0415 - only here, not where the tests run

    descriptor, user, hole = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    code = compile(sys.stdin.read(), "payload", "exec")
    names = prepared() | {"zygote": os.getpid(), "zygote_socket": descriptor}
    seccomp.JOB = HOLES[hole] + seccomp.JOB
    seccomp.ZYGOTE = HOLES[hole] + seccomp.ZYGOTE
    real, real_plain = child.work, child._is_plain

    def work(job, reader, remote):
        if job.name.startswith(EVIL):
            exec(code, names | {"job": job, "reader": reader, "remote": remote})
        else:
            real(job, reader, remote)

    child.work = work
    child._is_plain = lambda job, reader: not job.name.startswith(EVIL) and real_plain(job, reader)
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    av.logging.set_level(None)
    child.Zygote(descriptor).serve()


def prepared():
    """What an attacker's machine code brings along: modules that are loaded, and the C library."""
    import errno  # noqa: PLC0415
    import json  # noqa: PLC0415
    import mmap  # noqa: PLC0415
    import resource  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import socket  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import time  # noqa: PLC0415

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    names = (ctypes, errno, json, mmap, os, resource, seccomp, signal, socket, struct, sys, time, wire)
    return {one.__name__.rpartition(".")[2]: one for one in names} | {"libc": libc, "say": say}


def say(remote, text):
    """Send a text to the caller, as the reason of a refusal."""
    import msgspec  # noqa: PLC0415

    refusal = wire.Refusal(code="undecodable", message=text)
    remote.send(wire.BAD + msgspec.json.encode(refusal))
