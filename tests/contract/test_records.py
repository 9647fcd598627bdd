"""What every Records does."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.processes import in_processes, killed

DOCUMENT = {
    "text": "naïve 😀 \" ' \\ \n",
    "whole": 1_731_234_567_890_123,
    "part": 0.1,
    "yes": True,
    "nothing": None,
    "list": [1, "two", {"three": 3.5}],
    "nested": {"a": {"b": []}},
}


def test_document_comes_back_as_it_was_written(records):
    assert records.port.create("c", "k", DOCUMENT)
    assert records.port.get("c", "k") == DOCUMENT


def test_missing_document_is_none(records):
    assert records.port.get("c", "k") is None
    assert records.port.update("c", "k", lambda fields: fields) is None
    assert records.port.get("c", "k") is None


def test_create_never_overwrites(records):
    assert records.port.create("c", "k", {"a": 1})
    assert not records.port.create("c", "k", {"a": 2})
    assert records.port.get("c", "k") == {"a": 1}


def test_collections_are_apart(records):
    records.port.create("c", "k", {"a": 1})
    assert records.port.get("d", "k") is None
    assert records.port.create("d", "k", {"a": 2})


def test_update_replaces_the_fields_and_gives_the_result(records):
    records.port.create("c", "k", {"a": 1, "b": 2})
    assert records.port.update("c", "k", lambda fields: {"a": fields["a"] + 1}) == {"a": 2}
    assert records.port.get("c", "k") == {"a": 2}


def test_update_that_returns_none_leaves_the_document(records):
    records.port.create("c", "k", {"a": 1})

    def change(fields):
        fields["a"] = 99

    assert records.port.update("c", "k", change) == {"a": 1}
    assert records.port.get("c", "k") == {"a": 1}


def test_update_that_raises_changes_nothing(records):
    records.port.create("c", "k", {"a": 1})

    def change(_):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        records.port.update("c", "k", change)
    assert records.port.update("c", "k", lambda _: None) == {"a": 1}


def test_query_gives_equal_documents_in_order_of_keys(records):
    for number in (3, 1, 2, 10):
        records.port.create("c", f"k{number:02}", {"recording": "r" if number != 2 else "s", "n": number})
    found = list(records.port.query("c", {"recording": "r"}))
    assert found == [(f"k{n:02}", {"recording": "r", "n": n}) for n in (1, 3, 10)]
    assert [key for key, _ in records.port.query("c", {"recording": "r", "n": 3})] == ["k03"]
    assert [key for key, _ in records.port.query("c")] == ["k01", "k02", "k03", "k10"]
    assert list(records.port.query("c", {"recording": "t"})) == []
    assert list(records.port.query("d")) == []


def test_query_goes_on_after_a_key_whether_its_document_is_there_or_not(records):
    for number in range(6):
        records.port.create("c", f"k{number}", {"recording": "r" if number % 2 else "s"})

    def keys(where, after):
        return [key for key, _ in records.port.query("c", where, after=after)]

    assert keys(None, "k2") == ["k3", "k4", "k5"]
    assert keys({"recording": "r"}, "k1") == ["k3", "k5"]
    assert keys({"recording": "r"}, "k2") == ["k3", "k5"]
    assert keys({"recording": "r"}, "k5") == keys(None, "z") == []
    assert keys(None, "k") == keys(None, "") == [f"k{number}" for number in range(6)]
    assert records.port.delete("c", "k3")
    assert keys({"recording": "r"}, "k3") == ["k5"]


def test_a_long_query_goes_on_after_a_key(records):
    for number in range(620):
        records.port.create("c", f"{number:05}", {"recording": "r"})
    found = [key for key, _ in records.port.query("c", {"recording": "r"}, after="00009")]
    assert found == [f"{number:05}" for number in range(10, 620)]


def test_delete_takes_one_document_and_says_whether_there_was_one(records):
    for key in ("a", "b"):
        records.port.create("c", key, {"x": 1})
    records.port.create("d", "a", {"x": 1})
    assert records.port.delete("c", "a")
    assert not records.port.delete("c", "a")
    assert not records.port.delete("none", "a")
    assert records.port.get("c", "a") is None
    assert records.port.update("c", "a", lambda fields: fields) is None
    assert records.port.count("c", {"x": 1}) == 1
    assert records.port.get("d", "a") == {"x": 1}
    assert records.port.create("c", "a", {"x": 2})
    assert records.port.get("c", "a") == {"x": 2}


def test_delete_of_a_document_that_changed_since_it_was_seen_deletes_nothing(records):
    records.port.create("c", "k", DOCUMENT)
    assert not records.port.delete("c", "k", seen=DOCUMENT | {"more": 1})
    assert not records.port.delete("c", "k", seen={"whole": DOCUMENT["whole"]})
    assert not records.port.delete("c", "k", seen={})
    assert not records.port.delete("c", "none", seen={})
    assert records.port.get("c", "k") == DOCUMENT
    assert records.port.delete("c", "k", seen=DOCUMENT)
    assert records.port.get("c", "k") is None
    assert records.port.create("c", "k", {"a": 1})
    assert not records.port.delete("c", "k", seen=DOCUMENT)
    assert records.port.get("c", "k") == {"a": 1}


def test_exactly_one_of_16_racing_threads_deletes(records):
    records.port.create("c", "k", {})
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: records.port.delete("c", "k"), range(16))) == 1


def test_conditions_do_not_mix_up_types(records):
    values = {"one": 1, "true": True, "text": "1", "null": None, "zero": 0, "half": 0.5}
    for key, value in values.items():
        records.port.create("c", key, {"x": value})
    records.port.create("c", "missing", {})
    for key, value in values.items():
        assert [found for found, _ in records.port.query("c", {"x": value})] == [key]
        assert records.port.count("c", {"x": value}) == 1
    assert [found for found, _ in records.port.query("c", {"x": 1.0})] == ["one"]


def test_long_query_and_documents_that_come_meanwhile(records):
    for number in range(620):
        records.port.create("c", f"{number:05}", {"recording": "r"})
    seen = []
    for key, _ in records.port.query("c", {"recording": "r"}):
        seen.append(key)
        if len(seen) == 1:
            records.port.create("c", "00000a", {"recording": "other"})
    assert seen == [f"{number:05}" for number in range(620)]


def test_count_and_sum_follow_the_conditions(records):
    for number in range(10):
        records.port.create("c", f"{number}", {"recording": "r" if number < 7 else "s", "usd": 0.1})
    records.port.create("c", "free", {"recording": "r"})
    records.port.create("c", "odd", {"recording": "r", "usd": "much"})
    assert records.port.count("c", {"recording": "r"}) == 9
    assert records.port.count("c") == 12
    assert records.port.sum("c", "usd", {"recording": "r"}) == pytest.approx(0.7)
    assert records.port.sum("c", "usd") == pytest.approx(math.fsum([0.1] * 10))
    assert records.port.sum("c", "usd", {"recording": "t"}) == 0
    assert records.port.count("none") == 0


def test_exactly_one_of_32_racing_threads_creates(records):
    with ThreadPoolExecutor(32) as pool:
        won = list(pool.map(lambda number: records.port.create("c", "k", {"n": number}), range(32)))
    assert sum(won) == 1
    assert records.port.get("c", "k") == {"n": won.index(True)}


def _add(_, reopen, times):
    with reopen() as port:
        for _ in range(times):
            port.update("c", "k", lambda fields: {"n": fields["n"] + 1})
        return port.create("c", "first", {})


def test_updates_of_4_processes_add_up_and_one_of_them_is_first(records):
    records.port.create("c", "k", {"n": 0})
    firsts = in_processes(4, _add, records.reopen, 25)
    assert records.port.get("c", "k") == {"n": 100}
    assert sum(firsts) == 1


def _die_in_update(say, reopen):
    with reopen() as port:
        port.create("c", "done", {"n": 1})
        port.update("c", "k", lambda fields: say(fields["n"]))


def test_process_killed_inside_an_update_changes_nothing_and_blocks_nobody(records):
    records.port.create("c", "k", {"n": 5})
    assert killed(_die_in_update, records.reopen) == 5
    assert records.port.get("c", "done") == {"n": 1}
    assert records.port.update("c", "k", lambda fields: {"n": fields["n"] + 1}) == {"n": 6}


def test_the_newest_come_first_and_no_more_than_asked_for(records):
    for number in (3, 1, 2.5, 10):
        records.port.create("c", f"k{number}", {"time": number, "state": "odd" if number % 2 else "even"})
    records.port.create("c", "never", {"state": "even"})
    records.port.create("c", "unknown", {"time": None, "state": "even"})
    records.port.create("c", "text", {"time": "yesterday", "state": "even"})
    assert [key for key, _ in records.port.newest("c", "time", 3)] == ["k10", "k3", "k2.5"]
    assert [key for key, _ in records.port.newest("c", "time", 9, {"state": "even"})] == ["k10"]
    assert records.port.newest("c", "time", 9, {"state": "none"}) == []
    assert records.port.newest("nothing", "time", 9) == []


def test_of_equally_new_documents_the_later_key_comes_first(records):
    for key in "bac":
        records.port.create("c", key, {"time": 1.0})
    assert [key for key, _ in records.port.newest("c", "time", 2)] == ["c", "b"]


def test_pages_of_the_newest_have_each_document_once_whatever_comes_meanwhile(records):
    for number in range(7):
        records.port.create(
            "c", f"k{number}", {"time": number // 2, "state": "odd" if number % 3 else "even"}
        )

    def pages(where):
        found, before = [], None
        while page := records.port.newest("c", "time", 2, where, before=before):
            before = page[-1][1]["time"], page[-1][0]
            found.append([key for key, _ in page])
            # A newer one belongs to no later page.
            records.port.create("c", f"new{len(found)}{where}", {"time": 99, "state": "odd"})
        return found

    assert pages({"state": "odd"}) == [["k5", "k4"], ["k2", "k1"]]
    assert [key for page in pages(None) for key in page if key < "l"] == [f"k{n}" for n in range(6, -1, -1)]


def test_a_page_goes_on_where_its_last_document_is_gone(records):
    for number in range(4):
        records.port.create("c", f"k{number}", {"time": 1.5})
    assert records.port.delete("c", "k2")
    assert [key for key, _ in records.port.newest("c", "time", 9, before=(1.5, "k2"))] == ["k1", "k0"]
    assert [key for key, _ in records.port.newest("c", "time", 9, before=(1.5, "k"))] == []
    assert records.port.newest("c", "time", 9, before=(1, "z")) == []
