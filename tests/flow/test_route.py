from __future__ import annotations

import pytest

from shared.errors import BadRequest
from shared.flow.route import choose, human_duration
from shared.model import Options
from shared.settings import Settings


def test_auto_takes_parakeet_on_the_cpu_and_says_why():
    decision = choose(Options(), Settings(), {"parakeet-cpu"})
    assert (decision.method, decision.engine) == ("parakeet", "parakeet-cpu")
    assert decision.reason == "Parakeet on this CPU: no other engine is set up"


def test_a_gpu_is_preferred_where_there_is_one():
    assert choose(Options(), Settings(), {"parakeet-cpu", "parakeet-gpu"}).engine == "parakeet-gpu"


def test_the_callers_weights_come_before_the_deployments():
    assert choose(Options(model="tiny"), Settings(), {"parakeet-cpu"}).model == "tiny"
    assert choose(Options(), Settings(model="mine"), {"parakeet-cpu"}).model == "mine"


@pytest.mark.parametrize("method", ["deepgram", "hybrid"])
def test_a_method_that_cannot_run_here_is_refused_with_what_to_do(method):
    with pytest.raises(BadRequest, match=r"no Deepgram engine\. Ask for parakeet"):
        choose(Options(method=method), Settings(), {"parakeet-cpu"})
    with pytest.raises(BadRequest, match="no Deepgram engine"):
        choose(Options(), Settings(method=method), {"parakeet-cpu"})


def test_without_any_engine_the_doctor_is_named():
    with pytest.raises(BadRequest, match="dropscribe doctor"):
        choose(Options(), Settings(), set())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown length"), (3.21, "3.2 s"), (60, "1 min"), (725, "12 min 5 s"), (9660, "2 h 41 min")],
)
def test_lengths_are_told_as_people_say_them(seconds, text):
    assert human_duration(seconds) == text


def test_callers_of_a_deployment_may_not_name_folders_of_its_workers():
    cloud = Settings(platform="google", project="my-project")
    assert choose(Options(model="nvidia/parakeet-tdt-0.6b-v2"), cloud, {"parakeet-cpu"}).model.endswith("v2")
    for path in ("/etc", "../weights", "a/b/c", ".cache/x"):
        with pytest.raises(BadRequest, match="no published one"):
            choose(Options(model=path), cloud, {"parakeet-cpu"})
    assert choose(Options(model="/my/export"), Settings(), {"parakeet-cpu"}).model == "/my/export"
