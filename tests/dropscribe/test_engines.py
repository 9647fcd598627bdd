from __future__ import annotations

import threading

import pytest

from dropscribe import BadRequest, engines, unload
from shared.settings import Settings


@pytest.fixture(autouse=True)
def empty():
    unload()
    yield
    unload()


def test_engines_stay_as_long_as_the_settings_would_make_the_same_ones(tmp_path):
    first = engines.loaded(Settings(state_dir=tmp_path / "a"))
    assert engines.loaded(Settings(state_dir=tmp_path / "b", model="tiny")) is first
    assert engines.loaded(Settings(enable_gpu=False)) is not first
    second = engines.loaded(Settings(cpu_threads=1))
    assert engines.loaded(Settings(cpu_threads=1)) is second
    assert engines.loaded(Settings(cpu_threads=1, cpu_callers=2)) is not second
    assert len(engines._loaded) == 1
    unload()
    assert engines._loaded == {}


def test_one_call_works_at_a_time_and_a_call_within_a_call_is_refused():
    order = []

    def wait():
        with engines.one_at_a_time():
            order.append("second")

    with engines.one_at_a_time():
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.1)
        order.append("first")
        with pytest.raises(BadRequest, match="at work in this thread"), engines.one_at_a_time():
            pass
    thread.join()
    assert order == ["first", "second"]
