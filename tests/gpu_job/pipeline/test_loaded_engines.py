from __future__ import annotations

import weakref

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


def test_weights_are_loaded_once_however_their_path_is_spelt(tmp_path, monkeypatch):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "encoder.onnx").write_bytes(b"x")
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "m")
    monkeypatch.chdir(tmp_path)
    loads = []
    found = LoadedEngines(lambda name: loads.append(name) or CountingEngine(), 20.0)
    spellings = [
        "m",
        "./m",
        f"{tmp_path}/m",
        f"{tmp_path}/m/",
        f"{tmp_path}/x/../m",
        "link",
        f"{tmp_path}//m",
    ]
    assert len({id(found.get(one)) for one in spellings}) == 1
    assert loads == ["m"]


def test_weights_that_were_replaced_are_loaded_again(tmp_path):
    weights = tmp_path / "m.nemo"
    weights.write_bytes(b"x")
    found = LoadedEngines(lambda _: CountingEngine(), 20.0)
    before = found.get(str(weights))
    weights.write_bytes(b"xy")
    assert found.get(str(weights)) is not before


def test_two_engines_stay_loaded_those_that_were_used_last():
    loads, alive = [], weakref.WeakSet()

    def load(name):
        loads.append(name)
        alive.add(engine := CountingEngine())
        return engine

    found = LoadedEngines(load, 20.0)
    for name in "abacab":
        found.get(name)
    assert loads == ["a", "b", "c", "b"]
    assert len(alive) == 2


def test_a_batch_may_still_use_an_engine_that_is_not_kept_any_more():
    found = LoadedEngines(lambda _: CountingEngine(), 20.0)
    first = found.get("a")
    for name in "bcd":
        found.get(name)
    assert found.capacity(first) > 0
