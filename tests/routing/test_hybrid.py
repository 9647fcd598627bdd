from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.flow import record, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.model import Chunk
from shared.routing.hybrid import split
from shared.routing.pace import Pace, lengths_of
from tests.world import World, heard

GPU = Pace(engine="parakeet-gpu", rtfx=200.0, lanes=1, ready=30.0, usd_start=0.0, usd_second=0.000001)
HOSTED = Pace(engine="deepgram", rtfx=100.0, lanes=5, ready=0.0, usd_start=0.0, usd_second=0.0001)
FREE = 1e9


def chunks(*lengths):
    found, start = [], 0.0
    for index, length in enumerate(lengths):
        found.append(
            Chunk(index=index, start=start, end=start + length, lead=0.0, tail=0.0, engine="parakeet-gpu")
        )
        start += length
    return tuple(found)


def engines(found):
    return [chunk.engine for chunk in found.chunks]


def test_both_engines_end_at_about_the_same_time():
    # Ten chunks of 2,000 s: Deepgram takes 20 s for five at a time, the GPU 30 s and then 10 s for each.
    plan = chunks(*[2000.0] * 10)
    quick = split(plan, replace(GPU, ready=6.0), HOSTED, FREE)
    assert (quick.first, quick.wait) == (2, 32.0)
    assert quick.reason == "of 10 chunks 2 to parakeet-gpu and 8 to deepgram, done in 32 s for $1.60"


def test_of_splits_that_end_at_the_same_time_the_cheaper_is_taken():
    # With 30 s of start the first chunk on the GPU is done when Deepgram would have done all of them.
    found = split(chunks(*[2000.0] * 10), GPU, HOSTED, FREE)
    assert (found.first, found.wait) == (1, 40.0)


def test_a_slow_start_leaves_all_to_the_other():
    late = replace(GPU, ready=3600.0)
    found = split(chunks(600.0, 600.0, 600.0), late, HOSTED, FREE)
    assert engines(found) == ["deepgram"] * 3
    assert found.reason == "all chunks (3) to deepgram, done in 6 s for $0.18"


def test_the_cap_moves_the_seam():
    plan = chunks(*[2000.0] * 10)
    # A chunk costs $0.20 at Deepgram and $0.002 on the GPU: two fit below $0.45.
    found = split(plan, GPU, HOSTED, 0.45)
    assert engines(found) == ["parakeet-gpu"] * 8 + ["deepgram"] * 2
    assert found.usd == pytest.approx(8 * 0.002 + 2 * 0.20)


def test_where_nothing_is_cheap_enough_the_cheapest_is_taken_and_says_so():
    found = split(chunks(2000.0, 2000.0), GPU, HOSTED, 0.001)
    assert engines(found) == ["parakeet-gpu"] * 2
    assert found.reason.endswith("the cheapest: no split costs $0.0010 or less")


paces = st.builds(
    Pace,
    engine=st.just("parakeet-gpu"),
    rtfx=st.floats(0.5, 5000),
    lanes=st.integers(1, 50),
    ready=st.floats(0, 10_000),
    usd_start=st.floats(0, 1),
    usd_second=st.floats(0, 0.001),
)


@given(st.lists(st.floats(0.5, 4000), min_size=1, max_size=60), paces, paces, st.floats(0, 5))
def test_a_split_is_whole_within_the_cap_and_no_worse_than_either_engine_alone(lengths, first, second, cap):
    second = replace(second, engine="deepgram")
    plan = chunks(*lengths)
    found = split(plan, first, second, cap)
    assert [replace(chunk, engine="parakeet-gpu") for chunk in found.chunks] == list(plan)
    assert engines(found) == ["parakeet-gpu"] * found.first + ["deepgram"] * (len(plan) - found.first)
    heard = lengths_of(plan)
    total, longest = sum(heard), max(heard)
    alone = [(pace.usd(total), pace.wait(total, longest)) for pace in (first, second)]
    affordable = [wait for usd, wait in alone if usd <= cap * (1 - 1e-9)]
    if found.usd > cap:
        assert not affordable
        assert found.usd <= min(usd for usd, _ in alone) * (1 + 1e-9)
        assert "the cheapest" in found.reason
    for wait in affordable:
        assert found.wait <= wait * (1 + 1e-9)
    mine, theirs = heard[: found.first], heard[found.first :]
    assert found.usd == pytest.approx(first.usd(sum(mine)) + second.usd(sum(theirs)))
    assert found.wait == pytest.approx(
        max(first.wait(sum(mine), max(mine, default=0)), second.wait(sum(theirs), max(theirs, default=0)))
    )
    assert found.reason


def test_a_plan_of_thousands_of_chunks_is_split_at_once():
    assert len(split(chunks(*[6.0] * 7200), GPU, HOSTED, FREE).chunks) == 7200


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=1.0, cost_threshold=1.0, open_calls={"deepgram": 1})
    yield world
    world.close()


def test_a_hybrid_runs_on_both_engines_and_reads_as_one(world):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-gpu", "deepgram"}))
    world.media.info = replace(world.media.info, duration=3600.0)
    planned = upload.on_upload(world.upload(**{"dropscribe-method": "hybrid"}), world.ports)
    assert planned.decision.method == "hybrid"
    ours, theirs = world.pull("gpu-worker"), world.pull("deepgram")
    assert len(ours) + len(theirs) == len(planned.chunks)
    assert len(ours) > len(theirs) > 0
    for delivery in ours + theirs:
        chunk = decode(delivery.data, ChunkMessage).chunk
        result, row = heard(planned, chunk, engine=chunk.engine)
        commit_result(result, replace(row, engine=chunk.engine), world.ports)
    done = record.on_chunk_done(ChunkDone(recording=planned.id, index=0), world.ports)
    assert done.state == "DONE"
    name = next(one for one in done.outputs if one.endswith("transcript.json"))
    document = json.loads(world.ports.store.load("transcripts", name))
    seam = planned.chunks[len(ours)].start
    assert [(one["engine"], one["start"], one["end"]) for one in document["parts"]] == [
        ("parakeet-gpu", 0.0, pytest.approx(seam)),
        ("deepgram", pytest.approx(seam), pytest.approx(3600.0)),
    ]
    assert document["method"] == "hybrid"
    split = f"of {len(planned.chunks)} chunks {len(ours)} to parakeet-gpu and {len(theirs)} to deepgram"
    assert split in done.decision.reason
    assert done.decision.considered[0].method == "hybrid"
    starts = [word["start"] for word in document["words"]]
    assert starts == sorted(starts)
