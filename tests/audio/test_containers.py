"""The table of containers."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from shared.audio.containers import BY_NAME, CONTAINERS, SUFFIXES, Container
from shared.audio.probing import sniff


def test_no_name_and_no_suffix_stands_for_two_containers():
    assert len(BY_NAME) == len(CONTAINERS)
    suffixes = Counter(suffix for one in CONTAINERS for suffix in one.suffixes)
    assert suffixes.most_common(1)[0][1] == 1
    assert set(suffixes) == SUFFIXES
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


def test_no_file_begins_like_two_containers():
    starts = [
        start for one in CONTAINERS for start in (*one.starts, *(form[0] + form[1] for form in one.forms))
    ]
    assert not [(a, b) for a, b in itertools.permutations(starts, 2) if a.startswith(b)]


def test_browsers_are_told_the_type_of_what_they_play():
    assert all(one.media_type for one in CONTAINERS if one.played)


@pytest.mark.parametrize("start", [b"RIFX\x00\x00\x00\x00TALK", b"TALK 1.0"])
def test_a_row_makes_a_container(monkeypatch, start):
    forms = ((start[:4], start[8:12]),) if len(start) == 12 else ()
    talk = Container("talk", (".talk",), () if forms else (start[:4],), forms)
    assert sniff.sniff(start) is None
    monkeypatch.setattr(sniff, "CONTAINERS", (*CONTAINERS, talk))
    assert sniff.sniff(start) == "talk"
