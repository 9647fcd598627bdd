"""Forms of weights that are made once."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_job.weights.derived import derived
from gpu_job.weights.located import Located


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    return tmp_path / "cache"


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


def test_what_killed_processes_left_goes_when_it_is_made_and_nothing_else_does(weights):
    for name in (".small-sha256-abc-killed", ".small-sha256-another-one", ".smaller"):
        (weights.path / name).mkdir()
        (weights.path / name / "half").write_text("half")
    derived(weights, "small", write)
    found = sorted(one.name for one in weights.path.iterdir())
    assert found == [".small-sha256-another-one", ".smaller", "small-sha256-abc"]


def test_two_at_one_time_get_the_same(weights):
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: derived(weights, "small", write), range(8)))
    assert found == {weights.path / "small-sha256-abc"}
    assert [one.name for one in weights.path.iterdir()] == ["small-sha256-abc"]


def test_where_nothing_can_be_written_it_is_in_the_cache_and_found_there(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("gpu_job.weights.derived.os.access", lambda *given: False)
    found = derived(weights, "small", write)
    assert found.is_relative_to(tmp_path / "cache")
    assert derived(weights, "small", lambda folder: pytest.fail("made again")) == found


def change(folder):
    (folder / "graph").write_text("mine")


def change_keeping_size_and_time(folder):
    file, before = folder / "graph", (folder / "graph").stat()
    file.write_text("evil")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchange(folder):
    other = folder / "other"
    other.write_text("evil")
    other.replace(folder / "graph")


def lead_away(folder):
    (folder / "graph").unlink()
    (folder.parent / "elsewhere").write_text("evil")
    (folder / "graph").symlink_to(folder.parent / "elsewhere")


def add(folder):
    (folder / "more").write_text("evil")


def take(folder):
    (folder / "graph").unlink()


def pipe(folder):
    (folder / "graph").unlink()
    os.mkfifo(folder / "graph")


@pytest.mark.parametrize(
    "act",
    [change, change_keeping_size_and_time, exchange, lead_away, add, take, pipe],
    ids=lambda act: act.__name__,
)
def test_one_that_is_not_as_it_was_made_is_made_again(weights, act):
    found = derived(weights, "small", write)
    act(found)
    again = []
    assert derived(weights, "small", lambda folder: again.append(write(folder))) == found
    assert again
    assert [(file.name, file.read_text()) for file in found.iterdir()] == [("graph", "made")]
    assert derived(weights, "small", lambda folder: pytest.fail("made again")) == found


def test_one_that_somebody_else_put_there_is_not_believed(weights):
    planted = weights.path / "small-sha256-abc"
    planted.mkdir()
    (planted / "graph").write_text("evil")
    assert (derived(weights, "small", write) / "graph").read_text() == "made"


def test_one_that_somebody_else_put_there_and_that_cannot_be_removed_is_left_there(
    weights, cache, monkeypatch
):
    planted = weights.path / "small-sha256-abc"
    planted.mkdir()
    (planted / "graph").write_text("evil")
    really = shutil.rmtree
    monkeypatch.setattr(
        shutil, "rmtree", lambda path, **how: None if path == planted else really(path, **how)
    )
    found = derived(weights, "small", write)
    assert found.is_relative_to(cache)
    assert (found / "graph").read_text() == "made"


def test_where_nothing_can_be_noted_none_is_made(weights, cache):
    cache.write_text("a file")
    with pytest.raises(OSError, match="cache"):
        derived(weights, "small", write)
    assert list(weights.path.iterdir()) == []
