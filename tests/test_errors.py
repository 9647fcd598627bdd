"""What an error is decides what becomes of its message."""

from __future__ import annotations

import inspect

import pytest

from shared import errors
from shared.errors import DropscribeError, EngineFailed, EngineRefused, HandedOn, Permanent, Transient

EVERY = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, DropscribeError) and one is not DropscribeError
]


def tree():
    """Parent of each class as the drawing at the top of the file has it."""
    parents, above = {}, []
    for line in errors.__doc__.splitlines():
        words = [word for word in line.split() if word.isidentifier()]
        if not words or words[0] not in vars(errors) or not line.startswith("    "):
            continue
        depth = (len(line) - len(line.lstrip(" │├└─"))) // 4
        above[depth - 1 :] = [words[0]]
        parents[words[0]] = above[-2] if len(above) > 1 else ""
    return parents


def test_the_drawing_shows_every_class_under_its_parent():
    drawn = tree()
    assert set(drawn) == {one.__name__ for one in EVERY} | {"DropscribeError"}
    for one in EVERY:
        if not issubclass(one, HandedOn):
            assert drawn[one.__name__] == one.__base__.__name__


def test_whatever_is_raised_comes_again_or_ends_the_recording_and_never_both():
    for one in EVERY:
        is_raised = not issubclass(one, HandedOn)
        assert issubclass(one, Transient) + issubclass(one, Permanent) == is_raised


@pytest.mark.parametrize("kind", [EngineFailed, EngineRefused])
def test_an_engines_codes_have_words_and_no_others_are_taken(kind):
    for code, told in kind.KINDS.items():
        error = kind(code, "It is so.")
        assert (error.code, error.kind, str(error)) == (code, told, "It is so.")
    with pytest.raises(KeyError):
        kind("made-up", "It is so.")


def test_a_lost_answer_says_what_it_may_cost():
    error = EngineFailed("lost", "Gone.", billed_seconds=30.0, request_id="r-1", retry_after=2.0)
    assert (error.billed_seconds, error.request_id, error.retry_after) == (30.0, "r-1", 2.0)
    assert EngineFailed("timeout", "Slow.").billed_seconds is None
