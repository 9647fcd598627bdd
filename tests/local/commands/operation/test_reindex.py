"""`dropscribe reindex` as a person runs it."""

from __future__ import annotations

import json

from shared.flow.reading import search_index


def test_transcripts_from_before_the_index_are_found(deployment, call):
    old, gone = deployment.done("old.wav", text="zebra crossing"), deployment.done("gone.wav")
    for one in (old, gone):
        deployment.ports.search.remove(one.id)
    name = next(one for one in gone.outputs if one.endswith("transcript.json"))
    store = deployment.ports.store
    store.delete("transcripts", name, store.stat("transcripts", name).generation)
    result = call("reindex")
    assert result.exit_code == 1
    assert "gs://audio/gone.wav cannot be searched:" in result.stdout
    assert result.stdout.endswith("1 transcript can be searched.\n")
    assert {one.id for one, _ in search_index.find("zebra", 20, deployment.ports).hits} == {old.id}
    told = json.loads(call("reindex", "--json").stdout)
    assert (told["added"], [one["recording"] for one in told["left_out"]]) == (1, [gone.id])


def test_where_there_is_nothing_it_says_so(call):
    result = call("reindex")
    assert (result.exit_code, result.stdout) == (0, "0 transcripts can be searched.\n")
