from __future__ import annotations

import pytest

from gpu_job.pipeline.loaded_engines import LoadedEngines
from shared import concurrency
from shared.errors import ModelUnavailable
from tests.gpu_job.pipeline.test_worker import CountingEngine


class Gpu(CountingEngine):
    engine = "parakeet-gpu"


def test_weights_are_loaded_once_for_the_gpu_and_once_for_the_processor():
    loads = []
    found = LoadedEngines(
        lambda name: loads.append(name) or Gpu(), 20.0, lambda name: loads.append(name) or CountingEngine()
    )
    for _ in range(2):
        assert found.get("a").engine == "parakeet-gpu"
        assert found.get("a", cpu=True).engine == "parakeet-cpu"
    assert loads == ["a", "a"]


def test_where_there_is_no_gpu_the_engine_is_the_same():
    found = LoadedEngines(lambda _: CountingEngine(), 20.0)
    assert found.get("a") is found.get("a", cpu=True)


def test_weights_that_cannot_be_had_are_not_looked_for_again_for_a_minute(monkeypatch):
    tries, now = [], [0.0]
    monkeypatch.setattr(concurrency, "monotonic", lambda: now[0])

    def load(name):
        tries.append(name)
        raise ModelUnavailable("nowhere")

    found = LoadedEngines(load, 20.0)
    for now[0] in (0.0, 30.0, 59.0, 61.0):
        with pytest.raises(ModelUnavailable):
            found.get("a")
    assert len(tries) == 2
