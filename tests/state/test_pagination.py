"""Pages of recordings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadRequest
from shared.messages import from_fields, to_fields
from shared.model import Options, Recording, StoredObject
from shared.state import documents, pagination
from shared.state.pagination import Filter

ONE = Recording(
    id="r",
    source=StoredObject(bucket="audio", name="a.wav", generation=1, size=1),
    options=Options(),
    state="DONE",
    created=0.0,
)


@pytest.fixture
def records(world):
    return world.ports.records


def put(records, key, created, **more):
    one = replace(ONE, id=key, created=created, **more)
    records.create(documents.RECORDINGS, key, to_fields(one))


def ids(found):
    return [one.id for one in found.recordings]


def test_pages_are_newest_first_and_end(records):
    for number in range(5):
        put(records, f"r{number}", 100.5 + number // 2)
    first = pagination.page(records, Filter(), 2)
    second = pagination.page(records, Filter(), 2, first.cursor)
    third = pagination.page(records, Filter(), 2, second.cursor)
    assert [ids(one) for one in (first, second, third)] == [["r4", "r3"], ["r2", "r1"], ["r0"]]
    assert third.cursor is None


def test_filters_are_served_by_indexes_alone_and_together(records):
    put(records, "plain", 1.0)
    put(records, "failed", 2.0, state="FAILED", options=Options(label="talks"))
    put(records, "held", 3.0, state="ACCEPTED", held="until tomorrow", options=Options(label="talks"))
    put(records, "told", 4.0, state="PLANNED", warnings=("a part was done again",))
    put(records, "done", 5.0, state="DONE", warnings=("the file is cut off",))
    put(records, "leaving", 6.0, state="PLANNED", withdrawn="FAILED")

    def found(**wanted):
        return ids(pagination.page(records, Filter(**wanted), 9))

    assert found(trouble=True) == ["leaving", "told", "failed"]
    assert found(is_held=True) == ["held"]
    assert found(label="talks") == ["held", "failed"]
    assert found(label="talks", trouble=True) == found(label="talks", state="FAILED") == ["failed"]
    assert found(label="talks", trouble=False, is_held=True, state="ACCEPTED") == ["held"]
    assert found(state="DONE") == ["done", "plain"]


def test_fields_for_queries_follow_the_others_also_in_documents_that_do_not_have_them():
    one = replace(ONE, state="ACCEPTED", held="a budget", options=Options(label="l"))
    assert (one.label, one.trouble, one.is_held) == ("l", False, True)
    after = replace(one, state="FAILED", held="")
    assert (after.label, after.trouble, after.is_held) == ("l", True, False)
    older = {
        name: value for name, value in to_fields(one).items() if name not in {"label", "trouble", "is_held"}
    }
    assert from_fields(older, Recording) == one


@pytest.mark.parametrize("cursor", ["", "1.0", "nan~a", "1e999~a", "1..2~a", "1~a/b", "1.0~A", "x" * 1000])
def test_a_cursor_that_is_none_is_refused(records, cursor):
    with pytest.raises(BadRequest, match="Begin again"):
        pagination.page(records, Filter(), 2, cursor)


class Unnamed:
    """Records that cannot be asked for names, as those of a project."""

    def __init__(self, records):
        self.newest = records.newest


@pytest.mark.parametrize("kind", [lambda records: records, Unnamed], ids=["asked for", "looked at"])
def test_a_part_of_a_name_is_found_in_letters_of_any_case_with_other_filters_page_by_page(records, kind):
    for number, name in enumerate(["calls/Ärger 1.wav", "x.wav", "ärger 2.wav", "calls/ÄRGER%3.wav", ""]):
        state = "FAILED" if number % 2 else "DONE"
        put(records, f"r{number}", 1.0 + number // 2, state=state, source=replace(ONE.source, name=name))
    put(records, "titled", 0.5, options=Options(title="Große Konferenz.m4a"))
    records = kind(records)

    def found(limit=9, cursor=None, **wanted):
        return pagination.page(records, Filter(**wanted), limit, cursor)

    assert ids(found(name="äRger")) == ["r3", "r2", "r0"]
    assert ids(found(name="ärger", state="FAILED")) == ["r3"]
    assert ids(found(name="calls/")) == ["r3", "r0"]
    assert ids(found(name="%")) == ["r3"]
    assert ids(found(name="ärger", in_progress=True)) == []
    assert ids(found(name="GROSSE")) == ids(found(name="a.wav")) == ["titled"]
    first = found(limit=2, name="ärger")
    second = found(limit=2, cursor=first.cursor, name="ärger")
    assert [ids(first), ids(second)] == [["r3", "r2"], ["r0"]]
    assert second.cursor is None


def test_the_names_follow_their_recordings(records):
    put(records, "r", 1.0)
    put(records, "other", 2.0)
    documents.change(documents.RECORDINGS, "r", Recording, lambda one: replace(one, state="FAILED"), records)
    assert ids(pagination.page(records, Filter(name="a.wav"), 9)) == ["other", "r"]
    emptied = replace(ONE, id="r", created=3.0, source=replace(ONE.source, name=""))
    documents.overwrite(documents.RECORDINGS, "r", lambda _: emptied, records)
    assert ids(pagination.page(records, Filter(name="a.wav"), 9)) == ["other"]
    records.delete(documents.RECORDINGS, "other")
    assert ids(pagination.page(records, Filter(name="a.wav"), 9)) == []
