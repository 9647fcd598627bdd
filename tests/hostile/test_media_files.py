"""Forged and damaged recordings end in a recording or a refusal, with a plan in proportion: `make fuzz-media` for minutes."""

import logging

from shared.audio import Sandbox
from tests.hostile.media_files import LIMITS, attack

SEEDS = 60


def test_whatever_is_forged_is_heard_or_refused(caplog):
    caplog.set_level(logging.CRITICAL)
    counts = {}
    with Sandbox(LIMITS) as sandbox:
        for seed in range(SEEDS):
            came = attack(sandbox, seed)
            counts[came] = counts.get(came, 0) + 1
    # Each way is gone: else the files would be all whole, or all beyond recognition.
    assert counts["decoded"] > SEEDS / 3
    assert {"undecodable", "no-audio", "not-media"} <= counts.keys()
