"""Faults to plant in the decoder, by which the surveys themselves are tested: each must be found."""

from __future__ import annotations

import resource
from functools import partial

from shared.audio.sandbox import child, confine, linux, seccomp
from shared.audio.sandbox.seccomp import Call


def plant(hole):
    """Plant one in this process, before its sandbox closes; none where the name is empty."""
    if hole:
        HOLES[hole]()


def _allow(*calls):
    # The first that fits counts.
    seccomp.JOB = calls + seccomp.JOB
    seccomp.ZYGOTE = calls + seccomp.ZYGOTE


def _no_shield():
    linux.shield = lambda: None


def _no_parent():
    linux.end_with = lambda _: None


def _no_cage_of_the_zygote():
    close = linux.close
    linux.close = lambda calls: None if calls is seccomp.ZYGOTE else close(calls)


def _no_x32():
    seccomp.X32 = 0xFFFFFFFF


def _any_architecture():
    program, check = seccomp.program, 3 * 8
    seccomp.program = lambda calls, machine: program(calls, machine)[check:]


def _no_limit(which):
    setrlimit = resource.setrlimit

    def set_other(one, limits):
        if one != which:
            setrlimit(one, limits)

    confine.resource.setrlimit = set_other


HOLES = {
    "path": partial(_allow, Call("mkdir", 83, None), Call("mkdirat", None, 34)),
    "process": partial(_allow, Call("kill", 62, 129)),
    "memory": partial(_allow, Call("process_vm_readv", 310, 270)),
    "prctl": partial(_allow, Call("prctl", 157, 167)),
    "clock": partial(_allow, Call("clock_gettime", 228, 113)),
    "advice": partial(_allow, Call("madvise", 28, 233)),
    "x32": _no_x32,
    "arch": _any_architecture,
    "shield": _no_shield,
    "end_with": _no_parent,
    "uncaged zygote": _no_cage_of_the_zygote,
    "cpu time": partial(_no_limit, resource.RLIMIT_CPU),
    "core file size": partial(_no_limit, resource.RLIMIT_CORE),
    "open files": partial(_no_limit, resource.RLIMIT_NOFILE),
    "file size": partial(_no_limit, resource.RLIMIT_FSIZE),
    "processes": partial(_no_limit, resource.RLIMIT_NPROC),
    "address space": partial(_no_limit, resource.RLIMIT_AS),
}

assert child.linux is linux, "the decoder asks these modules, not copies of their functions"
