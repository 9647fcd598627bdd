"""The end of a job is its result, or the reason that lies nearest to what went wrong first."""

import signal

import pytest

from shared.audio.sandbox import wire
from shared.audio.sandbox.job_end import JobEnd
from shared.audio.types import Decoded
from shared.errors import BadMedia, StoreUnavailable

RESULT = Decoded(start=0.0, owned=1.0, warnings=())
REFUSAL = wire.Refusal(code="no-audio", message="silent")


def test_a_result_stands_if_nothing_went_wrong_after_it():
    end = JobEnd(result=RESULT)
    assert end.succeeded
    assert end.outcome() == RESULT
    for wrong in ({"status": 1}, {"refusal": REFUSAL}, {"failure": StoreUnavailable("gone")}):
        assert not JobEnd(result=RESULT, **wrong).succeeded


def test_a_failed_read_outranks_a_refusal_and_a_refusal_the_death_of_the_job():
    failure = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        JobEnd(failure=failure, refusal=REFUSAL, status=-9).outcome()
    with pytest.raises(BadMedia, match="silent"):
        JobEnd(refusal=REFUSAL, status=-9).outcome()


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (-signal.SIGXCPU, "limit", "processor time"),
        (-signal.SIGKILL, "limit", "memory"),
        (-signal.SIGSEGV, "undecodable", "crash"),
        (0, "undecodable", "crash"),
    ],
)
def test_a_job_without_a_result_is_refused_by_how_it_died(status, code, says):
    with pytest.raises(BadMedia, match=says) as raised:
        JobEnd(status=status).outcome()
    assert raised.value.code == code
