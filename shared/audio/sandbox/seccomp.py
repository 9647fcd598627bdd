"""Which system calls the decoding process may make, as a program for Linux's seccomp filter.

An allow-list: a call that is not in the table fails with EPERM. None in it takes a path, opens anything, or reaches
another process; where a call takes a number that could, its value is checked. Calls by another architecture's
convention end the process, because their numbers mean something else.

Sources: seccomp(2), Linux's Documentation/userspace-api/seccomp_filter.rst, uapi/linux/{filter,bpf_common,audit}.h;
the numbers are those of arch/x86/entry/syscalls/syscall_64.tbl and of uapi/asm-generic/unistd.h (arm64).
"""

from __future__ import annotations

import errno
import signal
import struct
from typing import NamedTuple


class Only(NamedTuple):
    """A condition on an argument, of which the low 32 bits count: those that the kernel looks at in these calls."""

    argument: int
    """Which one, from 0."""
    mask: int
    """These bits of it …"""
    values: tuple[int, ...]
    """… must be one of these."""


class Call(NamedTuple):
    """A system call that is allowed."""

    name: str
    """As in the manual."""
    x86_64: int | None
    """Its number there; None: there is none."""
    aarch64: int | None
    """The same for arm64."""
    only: Only | None = None
    """When it is allowed; None: always."""


PROT_EXEC = 4
CLONE_OF_FORK = 0xFF | 0x100000 | 0x200000 | 0x1000000
"""The signal at the end, and CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID: neither threads nor
namespaces."""
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38

NO_CODE = Only(2, PROT_EXEC, (0,))
OWN_CLOCK = Only(0, 0xFFFFFFF0, (0,))
"""Clock ids from 16 on name other processes."""
OWN_PAGES = Only(2, 0xFFFFFFFF, (4, 14, 102, 103))
"""MADV_DONTNEED and MADV_HUGEPAGE, of which the allocators of libc and of numpy make use, and MADV_GUARD_INSTALL and
MADV_GUARD_REMOVE, by which glibc 2.42 and newer guard stacks. Others reach pages that are
shared with other processes: to merge them (12), to fetch them or to put them out (3, 20, 21, 22), which tells by the time
that it takes what others do with them, or to make holes in a file (9)."""
NO_OWNER = Only(1, 0x7F, (0, 1, 3, 4, 5, 9, 10))
"""Waiting and waking; the other operations find a thread by the id that they are given."""

JOB = (
    # What decoding does all the time comes first.
    Call("read", 0, 63),
    Call("write", 1, 64),
    Call("writev", 20, 66),
    Call("futex", 202, 98, NO_OWNER),
    Call("mmap", 9, 222, NO_CODE),
    Call("munmap", 11, 215),
    Call("mprotect", 10, 226, NO_CODE),
    Call("mremap", 25, 216),
    Call("brk", 12, 214),
    Call("madvise", 28, 233, OWN_PAGES),
    Call("clock_gettime", 228, 113, OWN_CLOCK),
    Call("clock_nanosleep", 230, 115, OWN_CLOCK),
    Call("nanosleep", 35, 101),
    Call("sched_yield", 24, 124),
    Call("rt_sigprocmask", 14, 135),
    Call("rt_sigreturn", 15, 139),
    Call("restart_syscall", 219, 128),
    Call("getrandom", 318, 278),
    Call("lseek", 8, 62),
    Call("close", 3, 57),
    Call("getpid", 39, 172),
    Call("gettid", 186, 178),
    Call("exit", 60, 93),
    Call("exit_group", 231, 94),
)
"""What a job may call."""

ZYGOTE = (
    *JOB,
    Call("poll", 7, None),
    Call("ppoll", 271, 73),
    Call("recvmsg", 47, 212),
    Call("clone", 56, 220, Only(0, 0xFFFFFFFF & ~CLONE_OF_FORK, (0,))),
    Call("fork", 57, None),
    Call("wait4", 61, 260),
    Call("kill", 62, 129, Only(1, 0xFFFFFFFF, (signal.SIGKILL,))),
    Call("pipe2", 293, 59),
    Call("close_range", 436, 436),
    Call("getppid", 110, 173),
    Call("rt_sigaction", 13, 134),
    Call("set_robust_list", 273, 99),
    Call("setrlimit", 160, 164),
    Call("prlimit64", 302, 261, Only(0, 0xFFFFFFFF, (0,))),
    Call("prctl", 157, 167, Only(0, 0xFFFFFFFF, (PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS))),
)  # fmt: skip
"""What the process may call that forks for jobs: also what it takes to start, confine and end one."""

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_…, by what `platform.machine()` says."""
X32 = 0x40000000
"""Numbers from here on are those of x86-64's other convention."""

LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`, bytes."""


def program(calls: tuple[Call, ...], machine: str) -> bytes:
    """The filter that lets these calls through, as an array of `struct sock_filter`."""
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == "x86_64":
        steps += [(AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL)]
    for call in calls:
        number = getattr(call, machine)
        if number is not None:
            found = [(RETURN, 0, 0, ALLOW)] if call.only is None else _check(call.only)
            steps += [(EQUAL, 0, len(found), number), *found]
    steps.append((RETURN, 0, 0, FAIL))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _check(only: Only) -> list[tuple[int, int, int, int]]:
    """Allow or fail, by an argument."""
    count = len(only.values)
    return [
        (LOAD, 0, 0, ARGUMENTS + 8 * only.argument),
        (AND, 0, 0, only.mask),
        *((EQUAL, count - at, 0, value) for at, value in enumerate(only.values)),
        (RETURN, 0, 0, FAIL),
        (RETURN, 0, 0, ALLOW),
    ]
