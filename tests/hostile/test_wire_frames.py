"""Whatever a decoder sends, its caller gets a result that a recording can have, or one of our errors."""

import logging

from tests.hostile.wire_frames import attack, sandbox_of

SEEDS = 2000


def test_thousands_of_frames_end_in_results_that_can_be_or_in_refusals(caplog):
    caplog.set_level(logging.CRITICAL)
    counts = {}
    with sandbox_of() as (sandbox, tell):
        for seed in range(SEEDS):
            came = attack(sandbox, tell, seed)
            counts[came] = counts.get(came, 0) + 1
    # Each way is gone: else the frames would be all honest, or all refused at once.
    assert {name for name, count in counts.items() if count > 5} >= {
        "breach",
        "result",
        "undecodable",
        "limit",
    }
