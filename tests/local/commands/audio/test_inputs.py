from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.commands.audio.inputs import collect
from shared.errors import BadRequest, NotFound


@pytest.fixture
def tree(tmp_path):
    for name in (
        "a/talk.mp3",
        "b/talk.mp3",
        "b/deep/song.FLAC",
        "b/notes.txt",
        "b/.hidden.mp3",
        "b/.git/x.mp3",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def outputs(found):
    return {str(one.path): str(one.output) for one in found.files}


def test_a_file_goes_by_its_name_whatever_its_ending(tree):
    found = collect([tree / "b" / "notes.txt"])
    assert outputs(found) == {str(tree / "b" / "notes.txt"): "notes.txt"}


def test_a_folder_gives_its_media_at_any_depth_and_counts_the_rest(tree):
    found = collect([tree / "b"])
    assert outputs(found) == {
        str(tree / "b" / "deep" / "song.FLAC"): "deep/song.FLAC",
        str(tree / "b" / "talk.mp3"): "talk.mp3",
    }
    assert found.passed_over == 1


def test_names_that_meet_take_the_path_below_the_folder_they_share(tree):
    found = collect([tree / "a" / "talk.mp3", tree / "b"])
    assert set(outputs(found).values()) == {"a/talk.mp3", "b/talk.mp3", "deep/song.FLAC"}


def test_a_file_named_twice_is_taken_once(tree):
    assert (
        len(collect([tree / "a" / "talk.mp3", tree / "a", tree / "a" / ".." / "a" / "talk.mp3"]).files) == 1
    )


def test_the_output_folder_is_not_searched(tree):
    found = collect([tree], never_below=[tree / "b"])
    assert list(outputs(found).values()) == ["a/talk.mp3"]


def test_relative_paths_mean_the_same_file(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert collect([Path("a/talk.mp3")]).files[0].path == tree / "a" / "talk.mp3"


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere", "no file or folder"), ("empty", "Nothing to transcribe")]
)
def test_what_is_not_there_is_refused(tree, name, says):
    (tree / "empty").mkdir()
    with pytest.raises(BadRequest, match=says):
        collect([tree / name])


def test_a_path_that_does_not_exist_does_not_stop_the_others(tree):
    found = collect([tree / "nowhere.mp3", tree / "a" / "talk.mp3"])
    assert list(outputs(found).values()) == ["talk.mp3"]
    missing = str(tree / "nowhere.mp3")
    said = f"There is no file or folder {missing!r}. Check the spelling of the path."
    assert found.unreadable == {missing: said}


def test_a_pipe_is_not_a_file_to_wait_for(tree):
    os.mkfifo(tree / "pipe.mp3")
    with pytest.raises(BadRequest, match="no file or folder"):
        collect([tree / "pipe.mp3"])
    assert str(tree / "pipe.mp3") not in outputs(collect([tree]))


def test_a_link_to_nothing_is_said_and_the_others_go_on(tree):
    (tree / "a" / "gone.mp3").symlink_to(tree / "nowhere")
    found = collect([tree / "a"])
    assert list(outputs(found).values()) == ["talk.mp3"]
    link = str(tree / "a" / "gone.mp3")
    assert found.unreadable == {link: f"{link} is a broken link"}


def test_a_folder_that_cannot_be_searched_is_said(tree, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = collect([tree / "b"])
    assert list(outputs(found).values()) == ["talk.mp3"]
    assert "deep cannot be searched (Permission denied)" in found.unreadable[str(tree / "b" / "deep")]


@pytest.mark.parametrize("empty", ["", "file://"])
def test_an_empty_name_is_not_the_folder_one_is_in(tree, monkeypatch, empty):
    monkeypatch.chdir(tree)
    with pytest.raises(NotFound, match="is empty"):
        collect([empty])
    assert list(collect([empty, "a"]).unreadable) == [empty]
