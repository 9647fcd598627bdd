from __future__ import annotations

import getpass

from shared.state import audit


def test_entries_come_in_order_and_go_on_after_any_of_them(world):
    for number in range(3):
        audit.note("cancel", [f"key{number}"], world.ports, who="ada")
        world.clock.time += 1.0
    found = list(audit.entries(world.ports.records))
    assert [one.about for _, one in found] == [("key0",), ("key1",), ("key2",)]
    assert list(audit.entries(world.ports.records, after=found[0][0])) == found[1:]


def test_an_entry_says_who_asked_and_is_a_line_of_the_log(world, caplog, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    with caplog.at_level("INFO"):
        audit.note("forget", ["key"], world.ports)
    [(_, entry)] = audit.entries(world.ports.records)
    assert entry.who.startswith(f"{getpass.getuser()}@")
    assert entry.time == world.clock.now()
    assert f"audit: {entry.who} asks for forget of key" in caplog.text


def test_of_many_things_the_first_hundred_are_named_and_all_counted(world):
    audit.note("backfill", [str(number) for number in range(1000)], world.ports)
    [(_, entry)] = audit.entries(world.ports.records)
    assert (len(entry.about), entry.count) == (100, 1000)


def test_an_account_without_a_name_does_not_stop_anything(monkeypatch):
    def nameless():
        raise KeyError("uid not found: 1234")

    monkeypatch.setattr(audit.getpass, "getuser", nameless)
    assert audit.account().startswith("unknown@")
