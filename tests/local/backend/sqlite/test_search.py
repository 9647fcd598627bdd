"""The full-text index of a machine; `tests/contract/test_search.py` has what callers see."""

from __future__ import annotations

from local.backend.sqlite.search import SqliteSearch
from shared.ports import Passage


def said(text):
    return Passage(start=0.0, text=text, times=(0.0,) * len(text.split(" ")))


def test_nothing_of_what_was_removed_is_in_the_files(tmp_path):
    search = SqliteSearch(tmp_path / "search.sqlite")
    for number in range(20):
        search.put(f"r{number}", 1e9, 0, [said(f"common zanzibar{number}")])
    search.remove("r7")
    search.close()
    files = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"zanzibar7" not in files
    assert b"zanzibar17" in files


def test_the_file_is_made_when_it_is_needed_and_for_its_owner_only(tmp_path):
    search = SqliteSearch(tmp_path / "state" / "search.sqlite")
    search.close()
    assert not (tmp_path / "state").exists()
    assert search.find("word", 9).hits == ()
    assert (tmp_path / "state" / "search.sqlite").stat().st_mode & 0o777 == 0o600
    search.close()
