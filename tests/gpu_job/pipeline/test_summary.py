"""The line with which a worker ends."""

from __future__ import annotations

import pytest

from gpu_job.peak_memory import Peak
from gpu_job.pipeline.summary import Summary


def test_it_says_what_was_done_and_what_it_took():
    summary = Summary(
        audio_seconds=5400.0, padded_seconds=6000.0, busy_seconds=12.34, idle_seconds=5.0, batches=3, chunks=9,
        given_back=1, peak=Peak(size=1_500_000_000, memory="GPU"), ended="asked to stop",
    )  # fmt: skip
    said = str(summary)
    assert said.startswith(
        "1.50 audio-hours, 9 chunks in 3 batches (10.0 % padding), 1 given back, start-up: "
    )
    assert said.endswith("engine busy 12.3 s, idle 5.0 s, peak 1.50 GB of GPU memory; asked to stop")
    assert summary.padding == pytest.approx(0.1)


def test_a_worker_that_did_nothing_has_no_padding():
    assert Summary().padding == 0.0
