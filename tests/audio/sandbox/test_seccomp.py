"""The filter lets through what is in the list, with the arguments that are in the list, on both architectures."""

import errno
import struct

import pytest

from shared.audio.sandbox import seccomp
from shared.audio.sandbox.seccomp import (
    ALLOW,
    ARCHITECTURES,
    FAIL,
    JOB,
    KILL,
    X32,
    ZYGOTE,
    Call,
    Only,
    program,
)

MACHINES = tuple(ARCHITECTURES)
LISTS = {"job": JOB, "zygote": ZYGOTE}

TAKES_A_PATH_A_PROCESS_OR_AN_ID = [
    "access",
    "acct",
    "add_key",
    "bind",
    "bpf",
    "chdir",
    "chmod",
    "chown",
    "chroot",
    "clone3",
    "connect",
    "creat",
    "delete_module",
    "dup2",
    "execve",
    "execveat",
    "faccessat",
    "fanotify_init",
    "fchdir",
    "fchmodat",
    "fchownat",
    "finit_module",
    "fsconfig",
    "fsopen",
    "fspick",
    "futimesat",
    "get_mempolicy",
    "getpgid",
    "getpriority",
    "getsid",
    "getxattr",
    "init_module",
    "inotify_add_watch",
    "io_uring_setup",
    "ioctl",
    "ioprio_get",
    "ioprio_set",
    "kcmp",
    "kexec_load",
    "keyctl",
    "landlock_create_ruleset",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listxattr",
    "lookup_dcookie",
    "lstat",
    "mbind",
    "memfd_create",
    "migrate_pages",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mount",
    "move_mount",
    "move_pages",
    "mq_open",
    "msgctl",
    "msgget",
    "name_to_handle_at",
    "newfstatat",
    "open",
    "open_by_handle_at",
    "open_tree",
    "openat",
    "openat2",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pidfd_open",
    "pidfd_send_signal",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "readlink",
    "readlinkat",
    "rename",
    "renameat",
    "renameat2",
    "request_key",
    "rmdir",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "semctl",
    "semget",
    "sendmsg",
    "sendto",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setns",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setsid",
    "setuid",
    "setxattr",
    "shmat",
    "shmctl",
    "shmget",
    "socket",
    "socketpair",
    "stat",
    "statfs",
    "statx",
    "swapoff",
    "swapon",
    "symlink",
    "symlinkat",
    "tgkill",
    "timer_create",
    "tkill",
    "truncate",
    "umount2",
    "unlink",
    "unlinkat",
    "unshare",
    "uselib",
    "userfaultfd",
    "utime",
    "utimensat",
    "utimes",
    "vfork",
    "waitid",
]
"""Of Linux's calls."""
ONLY_OF_THE_ZYGOTE = {"kill", "wait4", "clone", "fork", "prlimit64", "prctl"}


def verdict(steps, machine, number, *arguments, architecture=None):
    """What the kernel does with a call: Linux's classic BPF, as far as the program uses it."""
    words = [number & 0xFFFFFFFF, ARCHITECTURES[machine] if architecture is None else architecture, 0, 0]
    for one in (*arguments, 0, 0, 0, 0, 0, 0)[:6]:
        words += [one & 0xFFFFFFFF, one >> 32 & 0xFFFFFFFF]
    data = struct.pack("=16I", *words)
    at = value = 0
    program_steps = list(struct.iter_unpack("=HBBI", steps))
    while True:
        code, if_true, if_false, number = program_steps[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, number)
            case 0x54:
                value &= number
            case 0x15:
                at += if_true if value == number else if_false
            case 0x35:
                at += if_true if value >= number else if_false
            case 0x06:
                return number
            case _:
                raise AssertionError(f"an unknown step: {code:#x}")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", LISTS)
def test_exactly_the_calls_of_the_list_are_let_through(machine, name):
    steps = program(LISTS[name], machine)
    allowed = {getattr(call, machine) for call in LISTS[name]} - {None}
    fitting = {call.name: _fitting(call.only) for call in LISTS[name]}
    by_number = {getattr(call, machine): call.name for call in LISTS[name]}
    for number in range(1024):
        arguments = fitting[by_number[number]] if number in allowed else ()
        assert verdict(steps, machine, number, *arguments) == (ALLOW if number in allowed else FAIL), number


def _fitting(only):
    return () if only is None else (*[0] * only.argument, only.values[0])


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_by_another_convention_end_the_process(machine):
    steps = program(JOB, machine)
    for architecture in (
        0,
        0x40000003,
        0x40000028,
        *(one for name, one in ARCHITECTURES.items() if name != machine),
    ):
        assert verdict(steps, machine, 0, architecture=architecture) == KILL
    if machine == "x86_64":
        assert verdict(steps, machine, X32) == verdict(steps, machine, X32 + 520) == KILL
        assert verdict(steps, machine, 2**32 - 1) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "good", "bad"),
    [
        ("mmap", [(0, 4096, 3)], [(0, 4096, 4), (0, 4096, 7), (0, 4096, 2**32 + 5)]),
        ("mprotect", [(0, 4096, 1)], [(0, 4096, 5)]),
        (
            "futex",
            [(0, 0), (0, 1 | 128), (0, 9 | 128 | 256), (0, 5)],
            [(0, 6), (0, 7 | 128), (0, 11), (0, 13 | 128)],
        ),
        (
            "madvise",
            [(0, 0, 4), (0, 0, 14), (0, 0, 102), (0, 0, 103)],
            [(0, 0, 8), (0, 0, 101), (0, 0, 12), (0, 0, 21), (0, 0, 2**32 - 1), (0, 0, 2**64 - 1)],
        ),
        ("clock_gettime", [(0,), (1,), (11,)], [(16,), (2**32 - 6,), (2**64 - 6,)]),
        ("clone", [(17,), (0x1200011,)], [(0x10000000,), (0x100,), (0x10000 | 17,), (0x7E020000,)]),
        ("kill", [(5, 9)], [(5, 0), (5, 15), (5, 19)]),
        ("prctl", [(1, 9), (22, 2), (38, 1)], [(4, 1), (3,), (15,), (0x59616D61,), (24,)]),
        ("prlimit64", [(0, 7)], [(1, 7), (2**32 - 1, 7)]),
    ],
)
def test_arguments_that_reach_others_are_refused(machine, call, good, bad):
    steps = program(ZYGOTE, machine)
    number = next(getattr(one, machine) for one in ZYGOTE if one.name == call)
    assert [verdict(steps, machine, number, *one) for one in good] == [ALLOW] * len(good)
    assert [verdict(steps, machine, number, *one) for one in bad] == [FAIL] * len(bad)


def test_nothing_in_the_list_of_a_job_takes_a_path_a_process_or_an_id():
    names = {call.name for call in JOB}
    assert names & {*TAKES_A_PATH_A_PROCESS_OR_AN_ID} == set()
    assert names & ONLY_OF_THE_ZYGOTE == set()
    assert {call.name for call in ZYGOTE} & {*TAKES_A_PATH_A_PROCESS_OR_AN_ID} == set()
    assert all(
        call.only or call.name in {"wait4", "fork"} for call in ZYGOTE if call.name in ONLY_OF_THE_ZYGOTE
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_no_number_is_there_twice(machine):
    numbers = [number for call in ZYGOTE if (number := getattr(call, machine)) is not None]
    assert len(set(numbers)) == len(numbers)


def test_a_value_decides_and_what_is_masked_does_not():
    steps = program((Call("a", 7, 8, Only(5, 0xF0, (0x10, 0x20))),), "aarch64")
    of = [verdict(steps, "aarch64", 8, 0, 0, 0, 0, 0, last) for last in (0x10, 0x2F, 0x1F, 0, 0x30)]
    assert of == [ALLOW, ALLOW, ALLOW, FAIL, FAIL]
    assert FAIL & 0xFFFF == errno.EPERM


def test_a_program_fits_into_what_the_kernel_takes():
    assert max(len(program(ZYGOTE, machine)) // 8 for machine in MACHINES) < 256  # jumps are of one byte
    assert seccomp.PROT_EXEC == 4
