from __future__ import annotations

from tests.simulation import history, minimiser, mutants


def test_choices_come_back_from_a_command_line():
    choices = {("fault", 12): 3, ("schedule", 7): 1, ("a-b", 0): 2}
    assert minimiser.from_text(minimiser.as_text(choices)) == choices
    assert minimiser.from_text("") == {}


def test_what_does_not_matter_is_left_out():
    items = [(("fault", number), 1) for number in range(100)]
    needed = {items[17], items[80]}
    assert set(minimiser.halved(items, lambda some: needed <= set(some), lambda: False)) == needed


def test_problems_of_one_kind_are_told_apart_from_others():
    first, second = "other bytes in a.wav/transcript.txt", "other bytes in b.wav/transcript.srt"
    assert minimiser.kind_of(first) == minimiser.kind_of(second)
    assert minimiser.kind_of("late: 700 s after 2 faults") != minimiser.kind_of(first)


def test_a_failing_history_is_made_short_and_still_fails_in_the_same_way():
    with mutants.planted("verdict-first"):
        found = next(one for one in (history.run("one", seed) for seed in range(200)) if one.problems)
        short = minimiser.minimise(found)
        assert len(short.choices) < len(found.choices) / 10
        assert len(short.faults) <= 2
        assert {minimiser.kind_of(one) for one in short.problems} & {
            minimiser.kind_of(one) for one in found.problems
        }
        assert history.run("one", None, short.choices).digest == short.digest
    assert history.run("one", None, short.choices).problems == ()
