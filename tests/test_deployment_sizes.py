"""The sizes of functions and jobs hold what the code may take."""

from __future__ import annotations

import pytest

from gpu_job.pipeline.worker import DRAINED_WITHIN, GIVEN_BACK_BY
from shared.deployment_sizes import (
    FUNCTION_DECODE_MIB,
    TASK_ENDING_MINUTES,
    TASK_TIMEOUT_MINUTES,
    FunctionSize,
    functions,
)
from shared.engines import DEEPGRAM, own_specs
from shared.hosted import audio_budget
from shared.settings import Settings
from shared.topology import topology

PULLED = {name for one in own_specs() for name in (one.subscription, one.canary_subscription)}


@pytest.mark.parametrize("one", functions().values(), ids=functions())
def test_as_many_hostile_files_as_a_function_takes_at_once_do_not_exhaust_its_memory(one):
    assert one.most_mib <= one.memory_mib


def test_one_gib_and_the_limit_of_a_worker_were_not_enough():
    small = FunctionSize(memory_mib=1024, requests=4, decodes=True)
    assert small.most_mib == 256 + 4 * 384
    assert small.most_mib > small.memory_mib


def test_the_limit_of_a_function_is_one_that_a_decoder_may_have():
    assert Settings(decode_memory_mb=FUNCTION_DECODE_MIB).decode_memory_mb == FUNCTION_DECODE_MIB


def test_the_hosted_function_holds_as_much_audio_as_its_budget_says():
    assert functions()[DEEPGRAM.name].audio_hours == audio_budget.SECONDS["google"] / 3600


def test_every_subscription_that_pushes_has_a_function():
    pushed = {one.name for one in topology().subscriptions if one.name not in PULLED}
    assert pushed | {"sweeper", "guard"} == set(functions())


def test_a_worker_ends_in_time_by_itself():
    assert DRAINED_WITHIN + GIVEN_BACK_BY < TASK_ENDING_MINUTES * 60 - 60
    assert Settings().worker_minutes <= TASK_TIMEOUT_MINUTES - TASK_ENDING_MINUTES
