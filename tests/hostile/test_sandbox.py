"""Code that a file makes the decoder run can do nothing else, as root and as an ordinary user."""

import os
from pathlib import Path

import pytest

from shared.errors import BadMedia, ConfigurationError
from tests.audio.media import Memory, chunk, make
from tests.hostile import outside, survey
from tests.hostile.holes import HOLES
from tests.hostile.taken_over import decoder


@pytest.mark.parametrize("user", survey.USERS)
def test_no_act_of_the_survey_works(monkeypatch, tmp_path, user):
    assert survey.acts(monkeypatch, tmp_path, user=user) == "nothing"


SURVEYS = (
    survey.acts_of_the_zygote,
    survey.numbers,
    survey.conventions,
    outside.processes,
    outside.survivors,
)


@pytest.mark.parametrize("look", SURVEYS)
def test_the_other_surveys_find_nothing_open_either(monkeypatch, tmp_path, look):
    assert look(monkeypatch, tmp_path) == "nothing"


FOUND = {
    "path": (survey.acts, "make a folder"),
    "process": (survey.acts, "signal its caller"),
    "prctl": (survey.acts, "be traced by others"),
    "advice": (survey.numbers, "(0, 0, 12)"),
    "clock": (survey.numbers, f"{survey.ALLOWED['clock_gettime']}({survey.OF_ANOTHER}, 0)"),
    "shield": (outside.processes, "the zygote can be read"),
    "end_with": (outside.survivors, "outlive its decoder"),
    "uncaged zygote": (survey.acts_of_the_zygote, "open a file"),
} | {limit: (outside.processes, f"limit of {limit}") for limit in outside.LIMITS}
if survey.MACHINE == "x86_64":
    FOUND |= {"x32": (survey.conventions, "x32"), "arch": (survey.conventions, "i386")}
if not survey.HAS_CORES:
    del FOUND["core file size"]  # there is no limit to take away
if os.getuid() == 0:
    FOUND["memory"] = (survey.acts, "read its zygote's memory")  # others cannot, even through this hole


@pytest.mark.slow
@pytest.mark.parametrize("hole", FOUND)
def test_a_planted_hole_is_found(monkeypatch, tmp_path, hole):
    look, what = FOUND[hole]
    assert what in look(monkeypatch, tmp_path, hole=hole)


def test_every_hole_is_planted():
    assert set(HOLES) - set(FOUND) <= {"x32", "arch", "memory", "core file size"}
    assert set(FOUND) <= set(HOLES)


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
        assert survey.said(sandbox) == "just a damaged file"
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
from shared.audio.sandbox import linux, child
def refuse(calls):
    raise linux.SandboxError("prctl(PR_SET_SECCOMP): Invalid argument")
linux.close = refuse
child.Zygote(int(sys.argv[1])).serve()
"""
