"""What every Search does."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest
from shared.ports import Passage
from tests.contract.processes import in_processes, killed

AT = 1_800_000_000.0


def said(text, start=0.0):
    words = text.split(" ")
    return Passage(start=start, text=text, times=tuple(start + n for n in range(len(words))))


def put(port, recording, *texts, at=AT, version=0):
    port.put(recording, at, version, [said(text, 100.0 * n) for n, text in enumerate(texts)])


def found(port, typed, limit=20):
    """Recordings and starts of all hits, page after page."""
    hits, cursor = [], None
    while True:
        page = port.find(typed, limit, cursor)
        hits += [(one.recording, one.start) for one in page.hits]
        cursor = page.cursor
        if cursor is None:
            return hits


def text(hit):
    return "".join(piece for piece, _ in hit.parts)


def test_a_word_is_found_with_its_time_and_the_words_around_it(search):
    put(search.port, "r", "Good evening, and welcome.", "Tonight we ask the engineers.")
    page = search.port.find("ask", 20)
    (hit,) = page.hits
    assert (hit.recording, hit.start, page.cursor) == ("r", 102.0, None)
    assert hit.parts == (("Tonight we ", False), ("ask", True), (" the engineers.", False))
    assert search.port.find("tomorrow", 20).hits == ()


def test_case_accents_and_punctuation_do_not_count(search):
    put(search.port, "r", "Évening, naïve ÜBER-groß 3.5")
    for typed in ("evening", "EVENING!", "naive", "Naïve", "über", "uber-groß", "3.5"):
        assert found(search.port, typed) == [
            ("r", 0.0 + {"e": 0, "E": 0, "n": 1, "N": 1, "ü": 2, "u": 2, "3": 3}[typed[0]])
        ]


def test_all_words_must_be_in_one_passage_and_quotes_ask_for_their_order(search):
    put(search.port, "r", "the second bridge", "a bridge and a second river")
    assert found(search.port, "bridge second") == [("r", 2.0 - 1.0), ("r", 101.0)]
    assert found(search.port, '"second bridge"') == [("r", 1.0)]
    assert found(search.port, '"bridge second"') == []
    assert found(search.port, "second bridge river") == [("r", 101.0)]


def test_what_looks_like_an_operator_is_text(search):
    put(search.port, "r", "this OR that NOT near text:x a*b")
    for typed in (
        "or",
        "NOT",
        "this OR that",
        "near",
        "text:x",
        "a*b",
        '"that not',
        "that*",
        "(this)",
        "-that",
    ):
        assert len(found(search.port, typed)) == 1, typed
    assert found(search.port, "this AND that") == []


@pytest.mark.parametrize("typed", ["", "  ", '""', "...", "*", "a" * 201, " ".join("a" * 13)])
def test_what_cannot_be_searched_for_is_refused(search, typed):
    with pytest.raises(BadRequest):
        search.port.find(typed, 20)


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", ".a", "-1.a", "9" * 30 + ".a"])
def test_a_cursor_that_is_none_is_refused(search, cursor):
    with pytest.raises(BadRequest, match="Search again"):
        search.port.find("word", 20, cursor)


def test_the_newest_come_first_and_pages_have_each_hit_once(search):
    for number in range(8):
        put(search.port, f"r{number}", "one word", "no", "two words one", at=AT + min(number, 6))
    hits = found(search.port, "one")
    assert sorted(hits) == [(f"r{n}", at) for n in range(8) for at in (0.0, 202.0)]
    ended = [min(int(recording[1:]), 6) for recording, _ in hits]
    assert ended == sorted(ended, reverse=True)
    # Those of one recording are in the order in which they were said.
    assert all(hits.index((f"r{n}", 0.0)) + 1 == hits.index((f"r{n}", 202.0)) for n in range(6))
    for limit in (1, 3, 16):
        assert found(search.port, "one", limit) == hits


def test_newer_words_take_the_place_of_older_ones_and_older_ones_never_come_back(search):
    put(search.port, "r", "evning", "talk")
    put(search.port, "r", "evning", "talk")
    assert len(found(search.port, "talk")) == 1
    put(search.port, "r", "evening", "talk", version=1)
    put(search.port, "r", "evning", "talk")
    assert (found(search.port, "evning"), len(found(search.port, "evening"))) == ([], 1)
    assert len(found(search.port, "talk")) == 1


def test_what_was_removed_is_not_found_and_others_are(search):
    for number in range(8):
        put(search.port, f"r{number}", "common words", f"secret{number}")
    search.port.remove("r3")
    search.port.remove("r3")
    search.port.remove("nobody")
    assert found(search.port, "secret3") == []
    assert len(found(search.port, "common")) == 7
    with search.reopen() as again:
        assert len(found(again, "common")) == 7
        put(again, "r3", "secret3 again", version=0)
    assert found(search.port, "secret3") == [("r3", 0.0)]


def test_a_long_recording_and_one_without_words(search):
    many = [f"number{n}" for n in range(4500)]
    put(search.port, "long", *many)
    put(search.port, "next", "number7", at=AT)
    put(search.port, "none")
    assert found(search.port, "number4499") == [("long", 449_900.0)]
    assert {one for one, _ in found(search.port, "number7")} == {"long", "next"}
    search.port.remove("long")
    assert found(search.port, "number4499") == []
    assert found(search.port, "number7") == [("next", 0.0)]


def test_a_long_passage_is_shown_in_part_and_says_so(search):
    put(search.port, "r", " ".join(f"w{n}" for n in range(100)))
    (hit,) = search.port.find("w50", 20).hits
    assert text(hit).startswith("… w38 ")
    assert text(hit).endswith(" w62 …")
    assert [piece for piece, marked in hit.parts if marked] == ["w50"]
    assert hit.start == 50.0


def _add(number, reopen, times):
    with reopen() as port:
        for turn in range(times):
            put(port, f"p{number}.{turn}", "shared words", at=AT + turn)


def test_what_several_processes_add_is_all_found(search):
    in_processes(3, _add, search.reopen, 5)
    assert len(found(search.port, "shared")) == 15


def _die(say, reopen):
    with reopen() as port:
        put(port, "before", "durable words")
        say(True)


def test_what_was_put_before_a_kill_is_found(search):
    assert killed(_die, search.reopen)
    assert found(search.port, "durable") == [("before", 0.0)]
