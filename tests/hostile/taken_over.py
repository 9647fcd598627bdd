"""A decoder that a file has taken over: the real process, whose jobs run Python of the attacker's after the real sandbox
has closed.

As a script it is that process: `python -m tests.hostile.taken_over FD UID HOLE`, with the attacker's code on its
standard input. `decoder` puts it in the place of the real one.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from shared.audio.sandbox import child, linux, process, seccomp, wire
from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import Limits
from tests.hostile import holes

ROOT = Path(__file__).resolve().parent.parent.parent
X32 = 0x40000000
"""Where the numbers of x86-64's other convention begin, whatever the filter says of it."""
EVIL, EVIL_INSIDE = "evil", "evil inside"
"""What the name of a recording begins with whose bytes take the decoder over: a job, or the process that forks for it."""


@contextlib.contextmanager
def decoder(monkeypatch, code, *, user=0, hole="", limits=None):
    """A sandbox whose process runs the attacker's code where a recording is named `evil…`.

    Args:
        monkeypatch: pytest's.
        code: Python, with `job`, `reader`, `remote`, `zygote` (its process id), `zygote_socket`, `libc` and some modules as names.
        user: as whom the process runs; 0 for whoever runs the tests.
        hole: name of a fault in `holes.py`.
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

    with monkeypatch.context() as patched, Sandbox(limits or Limits(timeout_s=20)) as sandbox:
        patched.setattr(process.subprocess, "Popen", Hostile)
        yield sandbox


START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.hostile import taken_over; taken_over.serve()"
)


def serve():
    """Be the process."""
    import av  # noqa: PLC0415 - only here, not where the tests run

    descriptor, user, hole = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    code = compile(sys.stdin.read(), "payload", "exec")
    names = prepared() | {"zygote": os.getpid(), "zygote_socket": descriptor}
    real, real_plain = child.work, child._is_plain

    def work(job, reader, remote):
        if job.name.startswith(EVIL):
            exec(code, names | {"job": job, "reader": reader, "remote": remote})
        else:
            real(job, reader, remote)

    child.work = work
    child._is_plain = lambda job, reader: (
        job.name.startswith(EVIL_INSIDE) or (not job.name.startswith(EVIL) and real_plain(job, reader))
    )
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        # What it has from elsewhere is not what the sandbox takes.
        most = resource.RLIM_INFINITY if os.getuid() == 0 else resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most, most))
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        # As a program is that this user started.
        ctypes.CDLL(None).prctl(linux.PR_SET_DUMPABLE, 1, 0, 0, 0)
    holes.plant(hole)
    av.logging.set_level(None)
    child.Zygote(descriptor).serve()


def prepared():
    """What an attacker's machine code brings along: modules that are loaded, and the C library."""
    import errno  # noqa: PLC0415
    import json  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import socket  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import time  # noqa: PLC0415

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    names = (ctypes, errno, json, mmap, os, resource, seccomp, signal, socket, struct, sys, time, wire)
    others = {"x32": lambda: libc.syscall(X32 + 39), "i386": i386()}
    return {one.__name__.rpartition(".")[2]: one for one in names} | {
        "libc": libc,
        "say": say,
        "OTHERS": others,
    }


def i386():
    """A function that asks for its process id as programs of 32 bits do."""
    code = bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3")  # push rbx; mov eax, 20; int 0x80; pop rbx; ret
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    KEPT.append(page)
    return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))


KEPT = []


def say(remote, text):
    """Send a text to the caller, as the reason of a refusal."""
    import msgspec  # noqa: PLC0415

    refusal = wire.Refusal(code="undecodable", message=text)
    remote.send(wire.BAD + msgspec.json.encode(refusal))
