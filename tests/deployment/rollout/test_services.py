from __future__ import annotations

import pytest

from deployment.rollout.services import CloudRun
from shared.errors import ConfigurationError
from tests.deployment.google import TARGET
from tests.deployment.rollout.conftest import OLD

ROUTER = "dropscribe-router"


@pytest.fixture
def cloud(google):
    google.lay(OLD, OLD.gpu)
    google.log.clear()
    return CloudRun(TARGET, google.api())


def test_what_runs_is_read_from_what_is_deployed(cloud):
    assert cloud.images() == OLD
    one = cloud.services()[ROUTER]
    assert (one.created, one.ready, one.serving, dict(one.traffic)) == (
        f"{ROUTER}-00001",
        f"{ROUTER}-00001",
        f"{ROUTER}-00001",
        {"": 100},
    )


def test_traffic_is_moved_where_it_differs_and_only_there(cloud, google):
    wanted = {f"{ROUTER}-00001": 90, f"{ROUTER}-00002": 10, "none": 0}
    cloud.bind({ROUTER: wanted})
    assert google.services[ROUTER]["traffic"] == {f"{ROUTER}-00001": 90, f"{ROUTER}-00002": 10}
    cloud.bind({ROUTER: wanted, "dropscribe-merger": {"": 100}})
    assert len(google.log) == 1


def test_executions_of_the_next_release_are_cancelled_once_and_others_never(cloud, google):
    for job in ("dropscribe-gpu", "dropscribe-gpu-canary"):
        google.post_run(job, {"overrides": {}})
    assert (cloud.stop_canary(), cloud.stop_canary()) == (1, 0)
    assert ["completionTime" in one for one in google.executions.values()] == [False, True]


def test_one_function_or_job_is_something(cloud, google):
    google.services.clear()
    assert cloud.anything()
    google.jobs.clear()
    assert not cloud.anything()


@pytest.mark.parametrize("missing", ["services", "jobs"])
def test_what_is_not_deployed_says_what_to_run(cloud, google, missing):
    getattr(google, missing).clear()
    with pytest.raises(ConfigurationError, match="run `make deploy` first"):
        cloud.images()
