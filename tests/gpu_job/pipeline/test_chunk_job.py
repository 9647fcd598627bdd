from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_job.pipeline.chunk_job import SMALLEST_SHARE, ChunkJob, next_group, share_of
from gpu_job.speech.windowing import Window
from shared.audio import Pcm
from shared.messages import ChunkMessage
from shared.model import AudioInfo, Chunk, Options, StoredObject
from shared.ports import Delivery

MESSAGE = ChunkMessage(
    recording="r",
    source=StoredObject(bucket="audio", name="a.wav", generation=1, size=1),
    options=Options(),
    audio=AudioInfo(
        format="wav", codec="pcm_s16le", sample_rate=16_000, channels=1, duration=600.0, exact=True,
        splittable_by="time",
    ),
    chunk=Chunk(index=0, start=0.0, end=600.0, lead=0.0, tail=15.0, engine="parakeet-gpu"),
    model="x",
)  # fmt: skip


def job(model="x", *, attempt=1, share=1.0, died=0, samples=b"", windows=()):
    delivery = Delivery(message_id="m", lease="l", data=b"", attributes={}, attempt=attempt, published=0.0)
    return ChunkJob(
        delivery=delivery,
        message=replace(MESSAGE, model=model),
        pcm=Pcm(samples=samples, start=0.0, owned=0.0),
        windows=list(windows),
        share=share,
        died=died,
    )


@pytest.mark.parametrize(
    ("end", "share"), [(600.0, 1.0), (300.0, 0.5), (900.0, 1.0), (3.0, 1 / 16), (None, 1.0)]
)
def test_a_chunk_counts_for_its_share_of_a_whole_one(end, share):
    assert share_of(replace(MESSAGE, chunk=replace(MESSAGE.chunk, end=end)), 600.0) == share


def test_chunks_for_the_same_weights_are_taken_together_in_order_of_arrival():
    a, b, c = job("x"), job("y"), job("x")
    assert next_group([a, b, c], 8) == [a, c]
    assert next_group([b], 8) == [b]


def test_a_chunk_that_was_tried_before_runs_alone():
    a, again, c = job(), job(attempt=2), job()
    assert next_group([a, again, c], 8) == [a, c]
    assert next_group([again, a, c], 8) == [again]


def test_of_those_that_run_alone_one_that_workers_died_with_waits_for_the_others():
    died, healthy, c = job(attempt=3, died=1), job(attempt=2), job()
    assert next_group([died, c, healthy], 8) == [healthy]
    assert next_group([died, c], 8) == [died]


def test_no_more_than_so_many_whole_chunks_are_taken_together():
    assert len(next_group([job() for _ in range(5)], 2)) == 2
    assert len(next_group([job(share=0.25) for _ in range(20)], 2)) == 8


def test_without_batches_chunks_are_taken_one_by_one():
    assert len(next_group([job(share=SMALLEST_SHARE) for _ in range(5)], 0.0)) == 1


def test_nothing_that_waits_is_nothing_to_take():
    assert next_group([], 8) == []


@given(st.lists(st.tuples(st.sampled_from("xy"), st.integers(1, 2), st.floats(1 / 16, 1)), max_size=30))
def test_whatever_waits_is_taken_once_and_the_first_of_all_always(waiting):
    left = [job(model, attempt=attempt, share=share) for model, attempt, share in waiting]
    taken = []
    while left:
        chosen = next_group(left, 3.0)
        assert chosen[0] is left[0]
        assert len({one.message.model for one in chosen}) == 1
        assert len(chosen) == 1 or not any(one.isolated for one in chosen)
        left = [one for one in left if one not in chosen]
        taken += chosen
    assert len(taken) == len(waiting)


def test_a_window_is_its_stretch_of_the_samples_as_floats_of_at_most_one():
    samples = np.array([0, 32767, -32768, 16384], np.int16)
    one = job(samples=samples.tobytes(), windows=[Window(1, 4)])
    assert one.samples(0).dtype == np.float32
    assert one.samples(0).tolist() == pytest.approx([32767 / 32768, -1.0, 0.5])


def test_what_a_gpu_gave_up_is_recognised_apart_from_what_it_may_do():
    usual, given_up = job(), job()
    chunk = replace(MESSAGE.chunk, engine="parakeet-cpu")
    given_up.message = replace(given_up.message, chunk=chunk, turn=1)
    planned = job()
    planned.message = replace(planned.message, chunk=chunk)
    assert [one.on_cpu for one in (usual, given_up, planned)] == [False, True, False]
    assert next_group([usual, given_up, planned], 8.0) == [usual, planned]
    assert next_group([given_up, usual], 8.0) == [given_up]
