"""A restricted process can make nothing new, and has only so much memory and time."""

import os
import signal
import subprocess
import sys

from shared.audio.sandbox import confine


def run(script):
    """Exit code of a process that runs a script."""
    return subprocess.run([sys.executable, "-I", "-c", script], check=False, timeout=120).returncode


def test_a_restricted_process_opens_nothing_forks_nothing_and_has_no_more_memory():
    script = """
import errno, os, socket
from shared.audio.sandbox.confine import restrict
restrict(64, 5.0)
for action in (lambda: os.open("/etc/hostname", os.O_RDONLY), socket.socket, os.pipe, os.fork):
    try:
        action()
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.EPERM, errno.EAGAIN):
            os._exit(1)
    else:
        os._exit(2)
try:
    bytearray(256 * 1024 * 1024)
except MemoryError:
    os._exit(7)
"""
    assert run(script) == 7


ALONE = """
import errno, os, resource, signal
from shared.audio.sandbox import linux, confine
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
confine.own_size.open()
linux.ON_LINUX = False
confine.restrict(64, 0.4)
"""
"""A process that has nothing but its limits, as on other systems."""


def test_where_there_is_no_filter_the_limits_hold_by_themselves():
    script = """
try:
    os.open("/etc/hostname", os.O_RDONLY)
except OSError as error:
    names = ("CORE", "FSIZE", "NPROC", "NOFILE")
    most = {one: resource.getrlimit(getattr(resource, f"RLIMIT_{one}")) for one in names}
    os._exit(7 if error.errno == errno.EMFILE and set(most.values()) == {(0, 0)} else 1)
"""
    assert run(ALONE + script) == 7


def test_a_process_that_only_computes_is_ended_by_the_system():
    assert run(ALONE + "while True: pass") == -signal.SIGXCPU
    # One that ignores the signal is killed a second later.
    ignore = "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
    assert run(ALONE + ignore + "while True: pass") == -signal.SIGKILL


def test_a_process_that_cannot_be_given_its_limit_of_memory_is_not_used():
    script = """
import os
from shared.audio.sandbox import linux, confine, seccomp
linux.close(seccomp.ZYGOTE)
try:
    confine.restrict(64, 5.0)  # nothing has opened the file with the size of the process
except PermissionError:
    os._exit(7)
"""
    assert run(script) == 7


def test_the_own_size_is_that_of_this_process():
    size = confine.OwnSize()
    size.open()
    assert 1e6 < size.read() < 1e15
    assert size.descriptor is None


def test_only_what_is_kept_stays_open():
    first, second = os.pipe()
    kept = os.dup2(second, 200, inheritable=True)
    script = f"""
import os
from shared.audio.sandbox.confine import close_others, own_size
own_size.open()
close_others({kept})
os.write({kept}, b"x")
own_size.read()
for one in range(3, 256):
    if one != {kept}:
        try:
            os.fstat(one)
        except OSError:
            continue
        os._exit(1)
os._exit(7)
"""
    process = subprocess.run([sys.executable, "-I", "-c", script], check=False, pass_fds=(first, kept))
    for one in (first, second, kept):
        os.close(one)
    assert process.returncode == 7
