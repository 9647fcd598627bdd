from __future__ import annotations

import re

import dropscribe
from dropscribe import errors


def test_every_error_is_in_the_tree_and_at_hand():
    tree = set(
        re.findall(
            r"^ *[│├└─ ]*(\w+)", errors.__doc__.partition("\n\n")[2].partition("\n\n")[0], re.MULTILINE
        )
    )
    assert tree == set(errors.__all__)
    assert all(getattr(dropscribe, name) is getattr(errors, name) for name in errors.__all__)


def test_a_failure_says_what_failed_and_why():
    error = errors.TranscriptionFailed(source="a.mp3", state="FAILED", reason="It is empty.", code="empty")
    assert (str(error), error.code, error.recording) == ("a.mp3: It is empty.", "empty", "")
    assert isinstance(error, dropscribe.Permanent)
    assert str(errors.TranscriptionFailed(source="a.mp3", state="CANCELLED", reason="")) == "a.mp3: CANCELLED"
