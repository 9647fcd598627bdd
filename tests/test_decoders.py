from __future__ import annotations

import pytest

from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.audio.sandbox import process
from shared.errors import BadMedia


class Nothing:
    size = 100

    def read(self, start, length):
        return bytes(100)[start : start + length]


def closed_pool():
    """A pool that had a job; gives the process that did it, which may have been another pool's."""
    pool = MediaPool(Limits())
    with pytest.raises(BadMedia):
        pool.probe(Nothing(), name="x", track=0)
    [sandbox] = pool._idle
    used = sandbox._process
    pool.close()
    return used


def test_the_process_of_a_pool_that_is_closed_does_the_jobs_of_the_next():
    first = closed_pool()
    assert first.poll() is None
    assert closed_pool() is first


def test_one_that_has_died_meanwhile_is_replaced():
    first = closed_pool()
    first.kill()
    first.wait()
    assert closed_pool().poll() is None


@pytest.mark.usefixtures("own_decoders")
def test_a_test_can_have_its_own(monkeypatch):
    started, start = [], process.start
    monkeypatch.setattr(process, "start", lambda: started.append(start()) or started[-1])
    one = closed_pool()
    assert [pair[0] for pair in started] == [one]
    assert one.poll() is not None
