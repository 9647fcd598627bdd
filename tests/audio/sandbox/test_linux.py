"""Confining goes one way, needs no privileges, and says what the system refuses."""

import os
import subprocess
import sys

import pytest

from shared.audio.sandbox import linux, seccomp


def run(script):
    """What a process prints that runs a script."""
    before = "import ctypes, os, signal, time\nfrom shared.audio.sandbox import linux, seccomp\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", before + script], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def test_a_shielded_process_cannot_be_read_and_its_programs_gain_nothing():
    script = """
linux.shield()
library = ctypes.CDLL(None)
print(library.prctl(3, 0, 0, 0, 0), library.prctl(39, 0, 0, 0, 0))
"""
    assert run(script) == ["0", "1"]


def test_closing_needs_no_privileges():
    script = """
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
linux.close(seccomp.JOB)
try:
    os.open("/", 0)
except PermissionError:
    os.write(1, b"closed")
os._exit(0)
"""
    assert run(script) == ["closed"]


def test_a_second_list_can_only_take_away():
    script = """
linux.close(seccomp.ZYGOTE)
linux.close(seccomp.JOB)
try:
    linux.close((*seccomp.ZYGOTE, seccomp.Call("openat", 257, 56)))
except linux.SandboxError as error:
    os.write(1, str(error).split(":")[0].encode())
os._exit(0)
"""
    assert run(script) == ["prctl(PR_SET_NO_NEW_PRIVS)"]


def test_a_process_ends_with_its_parent():
    script = """
read, write = os.pipe()
if os.fork() == 0:
    parent = os.getpid()
    if os.fork() == 0:
        linux.end_with(parent)
        os.write(write, b"x")
        time.sleep(60)
    os.close(write)
    os.read(read, 1)
    os.kill(parent, signal.SIGKILL)
os.close(write)
os.wait()
print(os.read(read, 10))  # returns when nobody holds the other end
"""
    assert run(script) == ["b''"]


@pytest.mark.parametrize("machine", ["riscv64", "armv7l"])
def test_a_machine_without_a_program_is_named(monkeypatch, machine):
    monkeypatch.setattr(linux.platform, "machine", lambda: machine)
    with pytest.raises(linux.SandboxError, match=machine):
        linux.close(seccomp.JOB)


def test_what_the_system_refuses_is_named():
    with pytest.raises(linux.SandboxError, match=r"prctl\(PR_SET_NOTHING\): Invalid argument"):
        linux._prctl("PR_SET_NOTHING", 12345)


def test_elsewhere_than_on_linux_nothing_is_done(monkeypatch):
    monkeypatch.setattr(linux, "ON_LINUX", False)
    monkeypatch.setattr(linux, "_library", None)
    linux.shield()
    linux.close(seccomp.JOB)
    linux.end_with(os.getppid())
