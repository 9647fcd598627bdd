"""Code that a file makes the decoder run finds every door closed, as root and as an ordinary user."""

import ctypes
import os
from pathlib import Path

import pytest

from shared.audio.sandbox import seccomp
from shared.errors import BadMedia, ConfigurationError
from tests.audio.media import Memory, chunk, make
from tests.hostile.taken_over import HOLES, decoder

USERS = (0, 65_534) if os.getuid() == 0 else (0,)
"""As whom the decoder runs; 0 is whoever runs the tests."""

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
    mine = ctypes.create_string_buffer(b"overwritten by the cage", 32)
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
]


def said(sandbox):
    """What the attacker's code sends to its caller."""
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Memory(b"x" * 1000), name="evil.mp3")
    return str(raised.value)


@pytest.fixture
def home(tmp_path_factory):
    """A folder whose files belong to whom they do not protect, and the code that goes for them."""
    secret = ctypes.create_string_buffer(b"a key of the caller's", 64)

    def prepare(user):
        folder = tmp_path_factory.mktemp("home")
        for name in ("dropped", "unlinked", "truncated", "private", ".bashrc"):
            (folder / name).write_text(name)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o700 if path.is_dir() else 0o600)
            os.chown(path, user or -1, user or -1)
        names = f"FOLDER, PARENT, ADDRESS = {str(folder)!r}, {os.getpid()}, {ctypes.addressof(secret)}\n"
        return folder, secret, names + ACTS

    return prepare


@pytest.mark.parametrize("user", USERS)
def test_no_act_of_the_survey_works(monkeypatch, home, user):
    folder, secret, code = home(user)
    with decoder(monkeypatch, code, user=user) as sandbox:
        told = said(sandbox)
    assert told == f"{ACTS.count('lambda:')} tried; worked: nothing"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        name: name for name in ("dropped", "unlinked", "truncated", "private", ".bashrc")
    }
    assert secret.value == b"a key of the caller's"


PLANTED = {"path": "make a folder", "process": "signal its caller"}
if os.getuid() == 0:
    PLANTED["memory"] = "read its zygote's memory"  # for others it is out of reach even through this hole


@pytest.mark.parametrize(("hole", "works"), PLANTED.items())
def test_the_survey_finds_a_planted_hole(monkeypatch, home, hole, works):
    _folder, _secret, code = home(0)
    with decoder(monkeypatch, code, hole=hole) as sandbox:
        assert works in said(sandbox).partition("worked: ")[2].split(", ")


@pytest.mark.parametrize("hole", ["", "path"])
def test_no_system_call_is_let_through_that_is_not_in_the_list(monkeypatch, hole):
    names = f"ALLOWED, UNFILTERED, CONDITIONS = {set(ALLOWED.values())}, {UNFILTERED}, {CONDITIONS}\n"
    found = [str(number) for call in HOLES[hole] if (number := getattr(call, MACHINE)) is not None]
    with decoder(monkeypatch, names + NUMBERS, hole=hole) as sandbox:
        assert said(sandbox) == f"worked: {', '.join(found) or 'nothing'}"


def test_a_job_that_says_it_is_over_receives_nothing_of_the_next(monkeypatch):
    steal = """
for descriptor in range(3, 64):
    try:
        os.write(descriptor, wire.EXIT + wire.STATUS.pack(0))
        os.write(descriptor, wire.BAD + b'{"code": "undecodable", "message": "over"}')
    except OSError:
        pass
    try:
        while descriptor != remote.descriptor and os.read(descriptor, 70000):
            os.write(descriptor, wire.BAD + b'{"code": "undecodable", "message": "stolen"}')
    except OSError:
        pass
time.sleep(30)
"""
    good = make("flac", "flac", seconds=1.0)
    with decoder(monkeypatch, steal) as sandbox:
        for _ in range(2):
            with pytest.raises(BadMedia) as raised:
                sandbox.probe(Memory(b"x" * 1000), name="evil.mp3")
            assert raised.value.code == "breach"
            info = sandbox.probe(Memory(good), name="board meeting.flac")
            assert sandbox.decode(Memory(good), info, chunk()).owned == pytest.approx(1.0)


def test_a_job_that_lets_go_of_everything_is_killed_before_the_next(monkeypatch):
    stay = """
say(remote, "just a damaged file")
for one in range(64):
    try:
        os.close(one)
    except OSError:
        pass
while True:
    pass
"""
    with decoder(monkeypatch, stay) as sandbox:
        assert said(sandbox) == "just a damaged file"
        process = sandbox._process.pid
        assert Path(f"/proc/{process}/task/{process}/children").read_text() == ""
        assert sandbox.probe(Memory(make("flac", "flac", seconds=1.0))).duration == pytest.approx(1.0)
        assert sandbox._process.pid == process


def test_a_machine_that_cannot_confine_it_decodes_nothing(monkeypatch):
    monkeypatch.setattr("tests.hostile.taken_over.START", REFUSED)
    with decoder(monkeypatch, "") as sandbox, pytest.raises(ConfigurationError, match="seccomp") as raised:
        sandbox.start()
    assert "PR_SET_SECCOMP" in str(raised.value)


REFUSED = """
import sys
from shared.audio.sandbox import cage, child
def refuse(calls):
    raise cage.CageError("prctl(PR_SET_SECCOMP): Invalid argument")
cage.close = refuse
child.Zygote(int(sys.argv[1])).serve()
"""
