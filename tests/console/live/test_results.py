from __future__ import annotations

from console.live.results import MOST, Results


def test_those_that_nobody_asked_for_the_longest_go_first():
    known = Results()
    for number in range(MOST + 1):
        known.put(str(number), {0: number})
    assert known.get("0") == {}
    assert known.get(str(MOST)) == {0: MOST}


def test_what_is_put_again_is_replaced():
    known = Results()
    known.put("a", {0: 1})
    known.put("a", {0: 1, 1: 2})
    assert known.get("a") == {0: 1, 1: 2}
