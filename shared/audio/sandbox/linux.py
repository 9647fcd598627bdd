"""Takes from a process, for ever, what decoding does not need: by Linux's own means, without privileges.

Elsewhere than on Linux these functions do nothing: only the resource limits hold there (docs/security.md).
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from functools import cache

from shared.audio.sandbox import seccomp

ON_LINUX = sys.platform == "linux"
PR_SET_DUMPABLE, SECCOMP_MODE_FILTER = 4, 2
"""See prctl(2)."""


class SandboxError(Exception):
    """The system refuses to confine the process; says what it refused."""


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))
    buffer: object
    """What `steps` points to."""


def shield() -> None:
    """From now on only root can read or write this process's memory, and no program it starts gains rights.

    Raises:
        SandboxError: the system refuses.
    """
    if ON_LINUX:
        _prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0)
        _prctl("PR_SET_NO_NEW_PRIVS", seccomp.PR_SET_NO_NEW_PRIVS, 1)


def close(calls: tuple[seccomp.Call, ...]) -> None:
    """From now on this process and its children make no other system calls than these; a second list only adds to it.

    Raises:
        SandboxError: the system refuses, or there is no program for it.
    """
    if ON_LINUX:
        program = prepare(calls)
        _prctl("PR_SET_NO_NEW_PRIVS", seccomp.PR_SET_NO_NEW_PRIVS, 1)
        _prctl("PR_SET_SECCOMP", seccomp.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


@cache
def prepare(calls: tuple[seccomp.Call, ...]) -> ctypes.Structure:
    """The list as the system takes it. Forks of a process that has prepared it close the faster.

    Raises:
        SandboxError: there is no program for this machine.
    """
    machine = platform.machine()
    if machine not in seccomp.ARCHITECTURES or sys.maxsize < 2**32:
        raise SandboxError(f"there is no filter for {machine} with {sys.maxsize.bit_length() + 1} bits")
    steps = seccomp.program(calls, machine)
    program = _Program(len(steps) // 8, None)
    program.buffer = ctypes.create_string_buffer(steps, len(steps))
    program.steps = ctypes.addressof(program.buffer)
    return program


def end_with(parent: int) -> None:
    """From now on the system kills this process when its parent ends, however that happens.

    Args:
        parent: process id; if it has ended already, this process ends now.
    """
    if ON_LINUX:
        _prctl("PR_SET_PDEATHSIG", seccomp.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


_library = ctypes.CDLL(None, use_errno=True) if ON_LINUX else None


def _prctl(name: str, *arguments: int) -> None:
    assert _library is not None
    padded = [ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:5]]
    if _library.prctl(*padded) != 0:
        raise SandboxError(f"prctl({name}): {os.strerror(ctypes.get_errno())}")
