import pytest

from tests import kept


@pytest.fixture
def made(tmp_path, monkeypatch):
    """What `make` was called with, by what is kept in a folder of this test alone."""
    monkeypatch.setattr(kept, "folder", tmp_path)
    calls.clear()
    return calls


calls = []


@kept.kept
def make(*args, **named):
    calls.append((args, named))
    return repr(len(calls)).encode()


def wave():
    pass


def other():
    pass


def test_the_same_arguments_give_the_same_bytes_and_are_asked_for_once(made):
    assert [make(1, "a", shape=wave, muxing={"b": 2}) for _ in range(3)] == [b"1"] * 3
    assert made == [((1, "a"), {"shape": wave, "muxing": {"b": 2}})]


def test_others_are_made_anew(made):
    given = [((1,), {}), ((2,), {}), (("1",), {}), ((), {"a": 1}), ((wave,), {}), ((other,), {})]
    assert len({make(*args, **named) for args, named in given}) == len(given) == len(made)


def test_functions_that_cannot_be_told_apart_by_their_names_are_not_kept(made):
    for _ in range(2):
        make(lambda: None)
    assert len(made) == 2


def test_what_is_large_is_not_kept(made, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 0)
    assert [make(), make()] == [b"1", b"2"]


def test_without_a_folder_nothing_is_kept(made, monkeypatch):
    monkeypatch.setattr(kept, "folder", None)
    assert [make(), make()] == [b"1", b"2"]
