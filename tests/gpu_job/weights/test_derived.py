"""Forms of weights that are made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_job.weights.derived import derived
from gpu_job.weights.located import Located


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    return Located(path=folder, revision="sha256:abc", language=None, remedy="")


def write(folder):
    (folder / "graph").write_text("made")


def test_it_is_made_once_and_named_by_the_revision(weights):
    made = []
    for _ in range(2):
        found = derived(weights, "small", lambda folder: made.append(write(folder)))
    assert found == weights.path / "small-sha256-abc"
    assert (found / "graph").read_text() == "made"
    assert len(made) == 1


def test_one_that_was_not_finished_leaves_nothing(weights):
    def broken(folder):
        write(folder)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        derived(weights, "small", broken)
    assert list(weights.path.iterdir()) == []


def test_two_at_one_time_get_the_same(weights):
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: derived(weights, "small", write), range(8)))
    assert found == {weights.path / "small-sha256-abc"}
    assert [one.name for one in weights.path.iterdir()] == ["small-sha256-abc"]


def test_where_nothing_can_be_written_it_is_in_the_cache_and_found_there(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    monkeypatch.setattr("gpu_job.weights.derived.os.access", lambda *given: False)
    found = derived(weights, "small", write)
    assert found.is_relative_to(tmp_path / "cache")
    assert derived(weights, "small", lambda folder: pytest.fail("made again")) == found
