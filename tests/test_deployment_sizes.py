"""The sizes of functions and jobs hold what the code may take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpu_job.pipeline.worker import DRAINED_WITHIN, GIVEN_BACK_BY
from shared.deployment_sizes import (
    FUNCTION_DECODE_MIB,
    FUNCTIONS,
    TASK_ENDING_MINUTES,
    TASK_TIMEOUT_MINUTES,
    FunctionSize,
)
from shared.engines import DEEPGRAM, own_specs
from shared.hosted import audio_budget
from shared.settings import Settings
from shared.topology import topology

PULLED = {name for one in own_specs() for name in (one.subscription, one.canary_subscription)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_many_hostile_files_as_a_function_takes_at_once_do_not_exhaust_its_memory(name):
    assert FUNCTIONS[name].most_mib <= FUNCTIONS[name].memory_mib


def test_one_gib_and_the_limit_of_a_worker_were_not_enough():
    small = FunctionSize(memory_mib=1024, requests=4, decodes=True)
    assert small.most_mib == 256 + 4 * 384
    assert small.most_mib > small.memory_mib


def test_the_limit_of_a_function_is_one_that_a_decoder_may_have():
    assert Settings(decode_memory_mb=FUNCTION_DECODE_MIB).decode_memory_mb == FUNCTION_DECODE_MIB


def test_the_hosted_function_holds_as_much_audio_as_its_budget_says():
    assert FUNCTIONS[DEEPGRAM.name].audio_hours == audio_budget.SECONDS["google"] / 3600


def test_every_subscription_that_pushes_has_a_function():
    pushed = {one.name for one in topology().subscriptions if one.name not in PULLED}
    assert pushed | {"sweeper", "guard"} == set(FUNCTIONS)


def test_a_worker_ends_in_time_by_itself():
    assert DRAINED_WITHIN + GIVEN_BACK_BY < TASK_ENDING_MINUTES * 60 - 60
    assert Settings().worker_minutes <= TASK_TIMEOUT_MINUTES - TASK_ENDING_MINUTES


TERRAFORM = (Path(__file__).parent.parent / "terraform" / "locals.tf").read_text("utf-8")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_terraform_gives_each_function_these_sizes(name):
    own = re.search(
        rf"^ +(?:{name} += {{|{{ for name, one in var.hosted : .*\n) *(.*)", TERRAFORM, re.MULTILINE
    )
    assert own, f"{name} is not where this test looks for it"
    [default] = re.findall(r"^ +concurrency += (\d+)", TERRAFORM, re.MULTILINE)
    memory = re.search(r'memory = "(\d+)Gi"', own[1])
    requests = re.search(r"concurrency = (\d+)", own[1])
    assert int(memory[1]) * 1024 == FUNCTIONS[name].memory_mib
    assert int(requests[1] if requests else default) == FUNCTIONS[name].requests
