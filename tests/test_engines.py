"""The table of engines, as the rest of the code asks it."""

from __future__ import annotations

import pytest

from shared import engines
from shared.engines import DEEPGRAM, ENGINES, PARAKEET_CPU, PARAKEET_GPU
from shared.errors import ConfigurationError
from shared.topology import topology


def test_names_topics_and_subscriptions_belong_to_one_engine_each():
    assert [one.name for one in ENGINES.values()] == list(ENGINES)
    for kind in ("name", "in_sentences", "topic", "subscription"):
        assert len({getattr(one, kind) for one in ENGINES.values()}) == len(ENGINES)


@pytest.mark.parametrize("one", ENGINES.values(), ids=list(ENGINES))
def test_every_engine_has_its_topic_its_subscription_and_sizes_from_the_largest_memory_down(one):
    assert topology().subscription(one.subscription).topic == one.topic
    memory = [size.from_gb for size in one.chunks]
    assert memory == sorted(memory, reverse=True)
    assert memory[-1] == 0.0, "some size fits any machine"


def test_an_unknown_engine_is_named_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="no engine 'whisper': this version knows parakeet-gpu, "):
        engines.spec("whisper")
    assert not engines.is_hosted("whisper")


def test_ours_and_hosted_ones_are_told_apart():
    assert engines.own_specs() == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.hosted_specs() == [DEEPGRAM]
    assert engines.hosted_specs(["parakeet-cpu"]) == []
    assert engines.able("speakers") == [PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM]
    assert engines.able("keyterms") == [PARAKEET_GPU, DEEPGRAM]


def test_a_caller_chooses_among_methods_not_engines():
    assert engines.methods() == ["parakeet", "hybrid", "deepgram"]
    assert engines.choices() == ["auto", "parakeet", "deepgram", "hybrid"]
    assert engines.of_method("parakeet") == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.of_method("hybrid") == list(ENGINES.values())


@pytest.mark.parametrize(
    ("method", "told"),
    [("parakeet", "Parakeet"), ("deepgram", "Deepgram"), ("hybrid", "Parakeet and Deepgram together")],
)
def test_a_method_has_a_name_for_sentences(method, told):
    assert engines.method_name(method) == told
