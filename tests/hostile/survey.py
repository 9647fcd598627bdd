"""What code that a file makes the decoder run may try; `outside.py` has what can be seen of the decoder from outside.

Each survey gives what it found open: `nothing` where the sandbox holds.
"""

from __future__ import annotations

import ctypes
import os
import resource
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.audio.sandbox import seccomp
from shared.errors import BadMedia
from tests.audio.media import Memory
from tests.hostile.taken_over import EVIL, EVIL_INSIDE, decoder

SOMEBODY = 65_534 if os.getuid() == 0 else 0
"""An ordinary user, as whom the decoder runs; 0 is whoever runs the tests."""
USERS = tuple({0, SOMEBODY})
HAS_CORES = os.getuid() == 0 or resource.getrlimit(resource.RLIMIT_CORE)[1] != 0
"""Whether a process of whoever runs the tests may have a core file."""

ACTS = """
def act(name, do):
    global tried
    tried += 1
    try:
        result = do()
        if result is None or not isinstance(result, int) or result >= 0:
            worked.append(name)
    except BaseException:
        pass

class Part(ctypes.Structure):
    _fields_ = (("at", ctypes.c_void_p), ("length", ctypes.c_size_t))

def memory(call, process, at):
    mine = ctypes.create_string_buffer(b"overwritten by the sandbox", 32)
    here, there = Part(ctypes.addressof(mine), 8), Part(at, 8)
    return call(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)

tried, worked = 0, []
for name, do in {
    "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "open a file for writing": lambda: os.open(FOLDER + "/new", os.O_CREAT | os.O_WRONLY),
    "list a folder": lambda: os.listdir(FOLDER),
    "make a socket": lambda: socket.socket().fileno(),
    "make a pair of sockets": lambda: len(socket.socketpair()),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "read a limit of another process": lambda: resource.prlimit(PARENT, resource.RLIMIT_NOFILE)[0],
    "fork": lambda: os.fork() or os._exit(0),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "unlink": lambda: os.unlink(FOLDER + "/unlinked"),
    "truncate": lambda: os.truncate(FOLDER + "/truncated", 0),
    "rename": lambda: os.rename(FOLDER + "/dropped", FOLDER + "/.bashrc"),
    "link": lambda: os.link(FOLDER + "/dropped", FOLDER + "/linked"),
    "make a symbolic link": lambda: os.symlink("/etc/passwd", FOLDER + "/symlink"),
    "change rights": lambda: os.chmod(FOLDER + "/private", 0o777),
    "change the owner": lambda: os.chown(FOLDER + "/private", os.getuid(), -1),
    "change times": lambda: os.utime(FOLDER + "/private"),
    "set an attribute": lambda: os.setxattr(FOLDER + "/private", "user.a", b"b"),
    "make a folder": lambda: os.mkdir(FOLDER + "/made"),
    "make a pipe with a name": lambda: os.mkfifo(FOLDER + "/fifo"),
    "see whether a file is there": lambda: os.stat("/etc/hostname").st_size,
    "see what a link names": lambda: len(os.readlink("/proc/self/exe")),
    "change the folder": lambda: os.chdir("/"),
    "change the root": lambda: os.chroot("/"),
    "read its zygote's memory": lambda: memory(libc.process_vm_readv, zygote, id(wire) + 16),
    "write its zygote's memory": lambda: memory(libc.process_vm_writev, zygote, id(wire) + 16),
    "read its caller's memory": lambda: memory(libc.process_vm_readv, PARENT, ADDRESS),
    "write its caller's memory": lambda: memory(libc.process_vm_writev, PARENT, ADDRESS),
    "trace its caller": lambda: libc.ptrace(0x4206, PARENT, 0, 0),
    "signal its caller": lambda: os.kill(PARENT, 0),
    "signal its zygote": lambda: os.kill(zygote, 0),
    "signal everybody": lambda: os.kill(-1, 0),
    "hold another process": lambda: os.pidfd_open(PARENT),
    "see the group of another process": lambda: os.getpgid(PARENT),
    "see the processors of another process": lambda: len(os.sched_getaffinity(PARENT)),
    "leave the session": lambda: os.setsid(),
    "share memory by a key": lambda: libc.shmget(0, 4096, 0o1600),
    "make a queue": lambda: libc.msgget(0, 0o1600),
    "use the keyring": lambda: libc.syscall(250, 0, -3, 1),
    "make a user namespace": lambda: libc.unshare(0x10000000),
    "become another user": lambda: os.setuid(os.getuid()),
    "see the name of the machine": lambda: len(os.uname().nodename),
    "make memory executable": lambda: len(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)),
    "send a descriptor": lambda: socket.send_fds(socket.socket(fileno=remote.descriptor), [b"x"], [0]),
    "write to its zygote's socket": lambda: os.write(zygote_socket, wire.EXIT + bytes(4)),
    "set a timer": lambda: signal.setitimer(signal.ITIMER_REAL, 100),
    "be traced by others": lambda: libc.prctl(4, 1, 0, 0, 0),
}.items():
    if name not in LEFT_OUT:
        act(name, do)
say(remote, f"{tried} tried; worked: {', '.join(worked) or 'nothing'}")
"""

NUMBERS = """
worked = []
for one in sorted(set(range(600)) - ALLOWED - UNFILTERED):
    ctypes.set_errno(0)
    result = libc.syscall(one, -1, -1, -1, -1, -1, -1)
    if result != -1 or ctypes.get_errno() != errno.EPERM:
        worked.append(str(one))
for one, arguments in CONDITIONS:
    ctypes.set_errno(0)
    if libc.syscall(one, *arguments) != -1 or ctypes.get_errno() != errno.EPERM:
        worked.append(f"{one}{arguments}")
say(remote, f"worked: {', '.join(worked) or 'nothing'}")
"""
"""Makes every call that is not in the list, and those that are with arguments that reach others."""

MACHINE = os.uname().machine
ALLOWED = {call.name: getattr(call, MACHINE) for call in seccomp.JOB}
UNFILTERED = {335, 336} if MACHINE == "x86_64" else set()
"""Linux calls them for its own probes, past every filter; a process that makes them is killed."""
OF_ANOTHER = 4_294_967_290
"""Clock of another process's time."""
CONDITIONS = [
    (ALLOWED["futex"], (0, 6, 0, 0, 0, 0)),
    (ALLOWED["clock_gettime"], (OF_ANOTHER, 0)),
    (ALLOWED["clock_nanosleep"], (OF_ANOTHER, 0, 0, 0)),
    (ALLOWED["mmap"], (0, 4096, 7, 34, -1, 0)),
    (ALLOWED["mprotect"], (0, 4096, 4)),
    *(
        (ALLOWED["madvise"], (0, 0, advice))
        for advice in (1, 2, 3, 8, 9, 10, 12, 16, 17, 18, 20, 21, 22, 23, 25, 2**32 - 1)
    ),
]


CONVENTIONS = """
OTHERS[CONVENTION]()
say(remote, f"worked: {CONVENTION}")
"""
"""Makes a harmless call by another architecture's convention, which ends the process where the sandbox holds."""


def said(sandbox, name=f"{EVIL}.mp3", data=b"x" * 1000):
    """What the attacker's code sends to its caller."""
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Memory(data), name=name)
    return str(raised.value)


@dataclass(frozen=True, kw_only=True)
class Home:
    """A folder whose files belong to the attacker's user, and a secret of the caller's."""

    folder: Path
    secret: ctypes.Array = field(default_factory=lambda: ctypes.create_string_buffer(SECRET, 64))
    names: tuple[str, ...] = ("dropped", "unlinked", "truncated", "private", ".bashrc")

    def code(self, left_out=()):
        """The acts that go for them."""
        places = f"{str(self.folder)!r}, {os.getpid()}, {ctypes.addressof(self.secret)}"
        return f"FOLDER, PARENT, ADDRESS = {places}\nLEFT_OUT = {set(left_out)}\n{ACTS}"

    @classmethod
    def made(cls, folder, user):
        """With all files."""
        home = cls(folder=folder)
        for name in home.names:
            (folder / name).write_text(name)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o700 if path.is_dir() else 0o600)
            os.chown(path, user or -1, user or -1)
        return home

    @property
    def is_whole(self):
        """Whether everything is as it was."""
        texts = {path.name: path.read_text() for path in self.folder.iterdir()}
        return texts == {name: name for name in self.names} and self.secret.value == SECRET


SECRET = b"a key of the caller's"


def acts(monkeypatch, folder, hole="", user=0):
    """All acts, in a job."""
    home = Home.made(folder, user)
    with decoder(monkeypatch, home.code(), user=user, hole=hole) as sandbox:
        tried, _, worked = said(sandbox).partition(" tried; worked: ")
    assert int(tried) == ACTS.count("lambda:")
    assert hole or home.is_whole
    return worked


NOT_OF_THE_ZYGOTE = {
    "start a program",
    "trace its caller",
    "change the root",
    "leave the session",
    "become another user",
    "signal everybody",
    "send a descriptor",
    "write its zygote's memory",
    "write to its zygote's socket",
}
"""Left out where an uncaged process would do them to itself, and tell nothing any more."""
OF_THE_ZYGOTE = "raise a limit, fork"
"""What it needs for its jobs."""


def acts_of_the_zygote(monkeypatch, folder, hole=""):
    """The same in the process that forks for jobs: a plain wave file is decoded there."""
    home = Home.made(folder, 0)
    with decoder(monkeypatch, home.code(NOT_OF_THE_ZYGOTE), hole=hole) as sandbox:
        worked = said(sandbox, f"{EVIL_INSIDE}.wav").partition("worked: ")[2]
    assert hole or home.is_whole
    return "nothing" if worked == OF_THE_ZYGOTE else worked


def numbers(monkeypatch, folder, hole=""):
    """All calls by their numbers, and those with arguments that reach others."""
    names = f"ALLOWED, UNFILTERED, CONDITIONS = {set(ALLOWED.values())}, {UNFILTERED}, {CONDITIONS}\n"
    with decoder(monkeypatch, names + NUMBERS, hole=hole) as sandbox:
        return said(sandbox).partition("worked: ")[2]


def conventions(monkeypatch, folder, hole=""):
    """Calls by other conventions, each of which ends its process."""
    found = []
    for one in OTHERS:
        with decoder(monkeypatch, f"CONVENTION = {one!r}\n{CONVENTIONS}", hole=hole) as sandbox:
            found.append(said(sandbox).partition("worked: ")[2])
    return ", ".join(filter(None, found)) or "nothing"


OTHERS = ("x32", "i386") if MACHINE == "x86_64" else ()
