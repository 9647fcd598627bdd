"""Seams, with literal numbers and with speech whose true words are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.flow import seam as seam_module
from shared.flow.merge import Piece, join
from shared.results import Word


def word(text: str, start: float, end: float | None = None) -> Word:
    return Word(text=text, start=start, end=start + 0.3 if end is None else end, confidence=0.9)


def heard(line: str) -> tuple[Word, ...]:
    """Words from `text@start` or `text@start-end`; 0.3 s long where no end is given."""
    found = []
    for item in line.split():
        text, _, times = item.partition("@")
        start, _, end = times.partition("-")
        found.append(word(text, float(start), float(end) if end else None))
    return tuple(found)


def piece(start: float, end: float, line: str) -> Piece:
    return Piece(start=start, end=end, words=heard(line))


def text(*several: Piece) -> str:
    return " ".join(one.text for one in join(several))


# What no speaker says, but an engine may answer: every comparison has its price.


HOSTILE = {
    "one word all through an overlap": lambda n: [
        word("ha", 600 + i * 10 / n, 600 + i * 10 / n) for i in range(n)
    ],
    "one word at one time": lambda n: [word("ha", 605.0, 605.0)] * n,
    "different words at one time": lambda n: [word(f"a{i}", 605.0, 605.0) for i in range(n)],
    "different words that last": lambda n: [word(f"a{i}", 600 + i * 10 / n, 609.0) for i in range(n)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_as_many_words_are_compared_twice_as_often(kind, monkeypatch):
    compared = []

    def counted(really):
        def count(*given):
            compared.append(1)
            return really(*given)

        return count

    for name in ("_gain", "_one_sound", "_clearance", "_margin"):
        monkeypatch.setattr(seam_module, name, counted(getattr(seam_module, name)))
    counts = []
    for n in (300, 600):
        compared.clear()
        words = tuple(HOSTILE[kind](n))
        before = "b" if kind.startswith("different") else ""
        other = tuple(replace(one, text=before + one.text) for one in words)
        join([Piece(start=0, end=610, words=words), Piece(start=600, end=1200, words=other)])
        counts.append(len(compared))
    assert counts[1] <= 2.5 * counts[0]


def test_a_word_said_more_often_than_is_compared_still_comes_once_each():
    said = tuple(word("ha", 600 + i / 20, 600 + i / 20 + 0.04) for i in range(200))
    assert len(join([Piece(start=0, end=610, words=said), Piece(start=600, end=1200, words=said)])) == 200
    at_once = (word("ha", 605.0, 605.0),) * 200
    joined = join([Piece(start=0, end=610, words=at_once), Piece(start=600, end=1200, words=at_once)])
    assert len(joined) == 200


# One rule at a time.


def test_words_heard_twice_come_once():
    left = piece(0, 10, "we@7.0 met@8.2 in@8.7 may@9.2")
    right = piece(8, 18, "met@8.2 in@8.7 may@9.2 last@10.1")
    assert text(left, right) == "we met in may last"


def test_seven_said_three_times_in_the_overlap_stays_three():
    left = piece(0, 10, "dial@7.0 seven@8.2 seven@8.7 seven@9.2")
    right = piece(8, 18, "seven@8.25 seven@8.65 seven@9.3 now@10.1")
    assert text(left, right) == "dial seven seven seven now"


def test_a_run_of_one_word_that_crosses_both_edges_keeps_its_count():
    left = piece(0, 10, "no@7.4 no@8.1 no@8.8 no@9.5")
    right = piece(8, 18, "no@8.1 no@8.8 no@9.5 no@10.2 no@10.9")
    assert text(left, right) == "no no no no no no"


def test_a_repetition_that_one_side_missed_is_kept():
    left = piece(0, 10, "no@8.2 no@9.4")
    right = piece(8, 18, "no@8.2 no@8.8 no@9.4 way@10.5")
    assert text(left, right) == "no no no way"


def test_case_punctuation_and_width_do_not_make_another_word():
    left = piece(0, 10, "so,@8.2 Don’t@8.7 ok@9.2")  # noqa: RUF001 - that apostrophe is the point
    right = piece(8, 18, "So@8.45 dont@8.95 \uff2f\uff2b@9.45 go.@10.4")
    assert len(join((left, right))) == 4


def test_two_marks_without_letters_are_compared_as_they_are():
    left = piece(0, 10, "one@8.2 -@8.7 two@9.2")
    right = piece(8, 18, "one@8.2 -@8.7 two@9.2")
    assert text(left, right) == "one - two"


def test_a_word_that_only_the_left_side_heard_is_kept():
    left = piece(0, 10, "we@8.1 all@8.5 met@9.0")
    right = piece(8, 18, "we@8.1 met@9.0 there@10.1")
    assert text(left, right) == "we all met there"


def test_a_word_that_only_the_right_side_heard_is_kept():
    left = piece(0, 10, "we@8.1 met@9.0")
    right = piece(8, 18, "we@8.1 all@8.5 met@9.0 there@10.1")
    assert text(left, right) == "we all met there"


def test_words_that_each_side_missed_in_turn_are_all_kept():
    left = piece(0, 10, "we@8.1 met@9.0 early@9.4-9.7")
    right = piece(8, 18, "all@8.5 met@9.0 there@10.1")
    assert text(left, right) == "we all met early there"


def test_a_word_that_only_the_last_crumb_of_audio_holds_whole_is_kept():
    left = Piece(start=20.0, end=29.52, words=(word("zero", 28.9, 29.2),))
    right = Piece(start=29.15, end=29.58, words=(word("one", 29.25, 29.56),))
    assert texts([left, right]) == ["zero", "one"]


def test_of_two_hearings_the_one_further_from_its_edge_wins():
    left = piece(0, 10, "the@8.2 cat@8.6 sat@9.1 down@9.5")
    right = piece(8, 18, "the@8.2 hat@8.6 sat@9.1 town@9.5 here@10.1")
    assert text(left, right) == "the cat sat town here"


def test_the_beginning_of_a_piece_counts_as_nearer_than_its_end():
    left = piece(0, 10, "the@8.2 cat@9.0-9.2 sat@9.6")
    right = piece(8, 18, "the@8.2 hat@9.0-9.2 sat@9.6 here@10.1")
    assert text(left, right) == "the cat sat here"


def test_one_long_word_against_two_short_ones_is_one_hearing_against_another():
    left = piece(0, 10, "see@8.2 you@8.6 two@9.3-9.6 morrow@9.6-9.95")
    right = piece(8, 18, "see@8.2 you@8.6 tomorrow@9.3-10.0 then@10.2")
    assert text(left, right) == "see you tomorrow then"


def test_the_first_half_of_a_word_gives_way_to_the_whole():
    left = piece(0, 10, "see@8.6 you@9.1 tomor@9.6-10.0")
    right = piece(8, 18, "see@8.6 you@9.1 tomorrow@9.6-10.3 then@10.5")
    assert text(left, right) == "see you tomorrow then"


def test_the_last_half_of_a_word_gives_way_to_the_whole():
    left = piece(0, 10, "see@7.0 tomorrow@7.6-8.3 then@8.6 bye@9.2")
    right = piece(8, 18, "row@8.0-8.3 then@8.6 bye@9.2 now@10.4")
    assert text(left, right) == "see tomorrow then bye now"


def test_a_half_word_with_wrong_times_gives_way_too():
    left = piece(0, 10, "you@9.1 tomor@9.8-9.9")
    right = piece(8, 18, "you@9.1 tomorrow@9.95-10.4")
    assert text(left, right) == "you tomorrow"


def test_sides_that_agree_on_nothing_are_cut_once():
    left = piece(0, 12, "a@8.0 b@8.5 c@9.0 d@9.5 e@10.0 f@10.5 g@11.0 h@11.5-11.9")
    right = piece(8, 20, "s@8.0 t@8.5 u@9.0 v@9.5 w@10.0 x@10.5 y@11.0 z@11.5 more@12.2")
    assert text(left, right) == "a b c d e f y z more"


def test_where_sides_contradict_each_other_a_lone_word_needs_the_surer_side():
    left = piece(0, 14, "about@7.6 the@8.4 contract@8.64-8.96 tomorrow@9.3 total@11.2 is@11.7")
    right = piece(
        8, 22, "doctor@8.16-8.7 has@8.72-8.9 cancelled@8.97-9.2 order@9.44 total@11.2 is@11.7 three@14.2"
    )
    assert text(left, right) == "about the contract tomorrow total is three"


def test_pieces_that_only_touch_keep_all_their_words():
    left = piece(0, 10, "no@9.3 no@9.7-10.0")
    right = piece(10, 20, "no@10.0 no@10.4")
    assert text(left, right) == "no no no no"


def test_rounding_of_bounds_is_no_overlap():
    left = piece(0, 10.000001, "no@9.7-10.0")
    right = piece(10, 20, "no@10.0")
    assert text(left, right) == "no no"


def test_silence_in_the_overlap_loses_nothing():
    left = piece(0, 10, "one@5.0 two@7.0")
    right = piece(8, 18, "three@10.5 four@11.0")
    assert text(left, right) == "one two three four"


def test_a_piece_without_words_changes_nothing():
    left, right = piece(0, 10, "one@9.2"), piece(12, 20, "two@13.0")
    assert text(left, piece(8, 14, ""), right) == "one two"


def test_the_last_words_of_a_file_shorter_than_the_overlap_survive():
    left = piece(0, 10, "so@8.2 long@8.8")
    right = piece(8, 10.6, "so@8.2 long@8.8 friend@10.1-10.5")
    assert text(left, right) == "so long friend"


def test_a_contained_piece_adds_only_what_the_other_missed():
    outer = piece(0, 20, "one@5.0 two@6.0 three@9.0 four@12.0")
    inner = piece(5.8, 10, "oh@5.8-5.9 two@6.0 and@7.5 three@9.0 fo@9.9-10.0")
    assert text(outer, inner) == "one oh two and three fo four"


def test_three_pieces_may_overlap_at_one_spot():
    first = piece(0, 10, "a@7.5 b@8.4 c@9.3")
    second = piece(5, 15, "a@7.5 b@8.4 c@9.3 d@10.2 e@11.1")
    third = piece(8, 18, "b@8.4 c@9.3 d@10.2 e@11.1 f@16.0")
    assert text(first, second, third) == "a b c d e f"


def test_pieces_may_come_in_any_order():
    first, second = piece(0, 10, "one@8.5 two@9.2"), piece(8, 18, "one@8.5 two@9.2 three@11.0")
    assert join((second, first)) == join((first, second))


def test_words_without_length_at_equal_times_are_kept():
    left = piece(0, 10, "a@8.5-8.5 b@8.5-8.5 c@9.0-9.0")
    right = piece(8, 18, "a@8.5-8.5 b@8.5-8.5 c@9.0-9.0 d@11-11")
    assert text(left, right) == "a b c d"


def test_words_outside_their_audio_are_kept():
    left = piece(0, 10, "one@9.0 two@10.3-10.6")
    right = piece(10, 20, "three@9.8-9.9 four@10.9")
    assert text(left, right) == "one two three four"


def test_order_is_kept_and_late_starts_push_the_next_ones():
    left = piece(0, 10, "one@9.0-9.4 two@8.9-8.95 three@9.5")
    assert [(one.text, one.start, one.end) for one in join((left,))] == [
        ("one", 9.0, 9.4),
        ("two", 9.0, 9.0),
        ("three", 9.5, 9.8),
    ]


def test_nothing_starts_before_the_first_audio():
    window = Piece(start=-1.0, end=10, words=(word("hm", -1.2, -0.8), word("yes", 2.0)))
    assert [one.start for one in join((window,))] == [-1.0, 2.0]


def test_nothing_joined_is_nothing():
    assert join(()) == ()


# Speech whose true words are known.


@dataclass(frozen=True, kw_only=True)
class Scene:
    random: Random
    truth: list[Word]
    bounds: list[tuple[float, float]]

    def inside(self) -> list[str]:
        """The true words that some piece contains whole."""
        return [
            one.text for one in self.truth if any(s <= one.start and one.end <= e for s, e in self.bounds)
        ]

    def pieces(self, jitter: float = 0.0) -> list[Piece]:
        return [self._hear(start, end, jitter) for start, end in self.bounds]

    def _hear(self, start: float, end: float, jitter: float) -> Piece:
        words = []
        for one in self.truth:
            if start <= one.start and one.end <= end:
                by = self.random.choice((-jitter, jitter, self.random.uniform(-jitter, jitter)))
                words.append(replace(one, start=one.start + by, end=one.end + by))
        return Piece(start=start, end=end, words=tuple(words))


def scenes(
    overlaps: tuple[float, float], *, same: float = 0.0, gap: float = 0.0, unlike: bool = False
) -> st.SearchStrategy[Scene]:
    """Speech with runs of one word, and pieces of 5 to 20 s that overlap.

    Args:
        overlaps: shortest and longest overlap, seconds.
        same: least time between the starts of two equal words.
        gap: least time between two words.
        unlike: every word another.
    """

    def build(seed: int, size: int, vocabulary: int, overlap: float) -> Scene:
        random = Random(seed)
        truth: list[Word] = []
        said: dict[str, float] = {}
        time = random.uniform(0, 1)
        for number in range(size):
            name = truth[-1].text if truth and random.random() < 0.3 else f"w{random.randrange(vocabulary)}"
            name = f"u{number}" if unlike else name
            time += gap + random.choice((0.0, 0.0, random.uniform(0, 0.3), random.uniform(0, 3)))
            time = max(time, said.get(name, time - same) + same)
            said[name] = time
            truth.append(word(name, time, time + random.uniform(0.2, 0.6)))
            time = truth[-1].end
        total = time + random.uniform(0, 1)
        bounds, at = [], 0.0
        while at < total:
            length = random.uniform(5, 20)
            bounds.append((max(0.0, at - overlap / 2), min(total, at + length + overlap / 2)))
            at += length
        return Scene(random=random, truth=truth, bounds=bounds)

    return st.builds(
        build,
        st.integers(0, 2**32),
        st.integers(0, 60),
        st.sampled_from((1, 2, 3, 8, 200)),
        st.floats(*overlaps),
    )


def texts(several: list[Piece]) -> list[str]:
    return [one.text for one in join(several)]


def is_subsequence(some: list[str], of: list[str]) -> bool:
    rest = iter(of)
    return all(one in rest for one in some)


@given(scenes((0, 4)))
def test_exact_times_give_exactly_the_truth(scene):
    assert texts(scene.pieces()) == scene.inside()


@given(scenes((8, 30)))
def test_many_pieces_over_one_spot_give_exactly_the_truth(scene):
    assert texts(scene.pieces()) == scene.inside()


@given(scenes((1.5, 4), same=0.7))
def test_jittered_times_give_exactly_the_truth(scene):
    assert texts(scene.pieces(jitter=0.15)) == scene.inside()


@given(scenes((1.5, 4)))
def test_small_jitter_gives_exactly_the_truth_in_quick_runs_too(scene):
    assert texts(scene.pieces(jitter=0.04)) == scene.inside()


@given(scenes((0, 0)))
def test_jitter_where_nothing_overlaps_neither_drops_nor_repeats(scene):
    assert texts(scene.pieces(jitter=0.15)) == [one.text for two in scene.pieces() for one in two.words]


def without(one: Piece, gone: set[float]) -> Piece:
    return replace(one, words=tuple(word for word in one.words if word.start not in gone))


@given(scenes((1, 4), same=0.5), st.floats(0, 0.6))
def test_words_missed_by_either_side_are_neither_lost_nor_repeated(scene, rate):
    several = scene.pieces()
    for number in range(len(several) - 1):
        left, right = several[number : number + 2]
        # What a piece hears in its first half second is garbage more often than not: see `HISTORY`.
        well = (right.start + 0.5, left.end - 0.2)
        both = {one.start for one in scene.truth if well[0] <= one.start and one.end <= well[1]}
        missed = {start for start in sorted(both) if scene.random.random() < rate}
        by_left = {start for start in sorted(missed) if scene.random.random() < 0.5}
        several[number : number + 2] = without(left, by_left), without(right, missed - by_left)
    assert texts(several) == scene.inside()


@given(scenes((1, 4), same=0.5))
def test_a_side_that_missed_the_whole_overlap_costs_nothing(scene):
    several = scene.pieces()
    for number in range(1, len(several)):
        edge = several[number - 1].end - 0.2
        late = {one.start for one in several[number].words if one.end <= edge}
        several[number] = without(several[number], late)
    assert texts(several) == scene.inside()


@given(scenes((1, 4)), st.floats(0, 0.3))
def test_extra_words_come_at_most_once_and_push_no_true_word_out(scene, rate):
    several = scene.pieces()
    for number in range(0, len(several), 2):
        words: list[Word] = []
        for index, one in enumerate(several[number].words):
            words.append(one)
            if scene.random.random() < rate:
                words.append(word(f"extra{number}.{index}", one.end, one.end + scene.random.uniform(0, 0.3)))
        several[number] = replace(several[number], words=tuple(words))
    result = texts(several)
    assert is_subsequence(scene.inside(), result)
    extras = [one for one in result if one.startswith("extra")]
    assert len(extras) == len(set(extras))


@given(scenes((1.5, 20), unlike=True), st.floats(0, 0.4), st.floats(0, 0.15))
def test_the_order_of_every_side_is_kept_whatever_it_heard(scene, wrong, jitter):
    several = []
    for number, one in enumerate(scene.pieces(jitter)):
        words = [
            replace(spoken, text=f"x{number}.{index}") if scene.random.random() < wrong else spoken
            for index, spoken in enumerate(one.words)
            if scene.random.random() >= wrong / 2
        ]
        several.append(replace(one, words=tuple(words)))
    joined = join(several)
    result = [one.text for one in joined]
    assert len(result) == len(set(result))
    for one in several:
        assert is_subsequence(
            [w for w in result if w in {v.text for v in one.words}], [w.text for w in one.words]
        )
    assert all(a.start <= b.start for a, b in pairwise(joined))
    assert all(one.start <= one.end for one in joined)


@given(scenes((0, 0)))
def test_one_piece_comes_back_unchanged(scene):
    whole = Piece(start=0.0, end=1e6, words=tuple(scene.truth))
    assert join((whole,)) == whole.words


@given(scenes((1.5, 30), same=0.7))
def test_joining_step_by_step_gives_the_same_words(scene):
    several = scene.pieces(jitter=0.1)
    done = several[:1]
    for one in several[1:]:
        so_far = join((*done, one))
        done = [Piece(start=0.0, end=max(one.end, done[0].end), words=so_far)]
    assert [one.text for two in done for one in two.words] == texts(several)


@given(scenes((1.2, 4), gap=0.05, unlike=True), st.booleans())
def test_half_words_at_the_edges_vanish_where_the_other_side_heard_the_whole(scene, garbled):
    several = []
    for one in scene.pieces():
        words = list(one.words)
        for true in scene.truth:
            name = "what" if garbled else true.text
            if true.start < one.start - 0.05 and one.start + 0.05 < true.end:
                words.insert(0, word(f"half-{name[-2:]}", one.start, true.end))
            if true.start < one.end - 0.05 and one.end + 0.05 < true.end:
                words.append(word(f"half-{name[:2]}", true.start, one.end))
        several.append(replace(one, words=tuple(words)))
    assert texts(several) == scene.inside()
