"""The table of engines, as the rest of the code asks it."""

from __future__ import annotations

import re

import pytest

from shared import engines
from shared.engines import DEEPGRAM, ENGINES, PARAKEET_CPU, PARAKEET_GPU
from shared.errors import ConfigurationError
from shared.topology import topology
from tests.test_architecture import ROOT, TOPS

MAY_NAME_ENGINES = {
    "shared/engines.py": "the table",
    "dropscribe/legacy/switches.py": "the earlier pipeline knew Deepgram and no other",
}
"""Adapters of an engine may name it as well, as may nobody else, or an engine that is added is left out."""


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


@pytest.fixture
def three(monkeypatch):
    """A table with the engines that the tests below speak of, whichever else there are."""
    monkeypatch.setattr(engines, "ENGINES", {one.name: one for one in (PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM)})


@pytest.mark.usefixtures("three")
def test_ours_and_hosted_ones_are_told_apart():
    assert engines.own_specs() == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.hosted_specs() == [DEEPGRAM]
    assert engines.hosted_specs(["parakeet-cpu"]) == []
    assert engines.able("speakers") == [PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM]
    assert engines.able("keyterms") == [PARAKEET_GPU, DEEPGRAM]


@pytest.mark.usefixtures("three")
def test_a_caller_chooses_among_methods_not_engines():
    assert engines.methods() == ["parakeet", "hybrid", "deepgram"]
    assert engines.choices() == ["auto", "parakeet", "deepgram", "hybrid"]
    assert engines.of_method("parakeet") == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.of_method("hybrid") == [PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("method", "told"),
    [("parakeet", "Parakeet"), ("deepgram", "Deepgram"), ("hybrid", "Parakeet and Deepgram together")],
)
def test_a_method_has_a_name_for_sentences(method, told):
    assert engines.method_name(method) == told


def literals(path):
    """The engines that a file of Python or JavaScript names in quotes, or by the column of their costs."""
    text, names = path.read_text("utf-8"), "|".join(ENGINES)
    # Backquotes in Python are text for people.
    quotes = "\"'`" if path.suffix == ".js" else "\"'"
    found = re.findall(rf"""([{quotes}])({names})\1|\b({names})_usd\b""", text)
    return {quoted or column for _, quoted, column in found}


def test_the_product_asks_the_table_and_names_no_engine_elsewhere():
    files = (path for folder in TOPS for end in ("py", "js") for path in (ROOT / folder).rglob(f"*.{end}"))
    found = {path.relative_to(ROOT).as_posix(): names for path in files if (names := literals(path))}
    # A module of an engine's own: `shared/adapters/engines/deepgram.py`.
    others = {
        path for path, names in found.items() if not all(f"adapters/engines/{name}" in path for name in names)
    }
    assert others == set(MAY_NAME_ENGINES)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('if "parakeet-gpu" in found:', {"parakeet-gpu"}),
        ("name = 'deepgram'", {"deepgram"}),
        ('["Deepgram", money(found.deepgram_usd)]', {"deepgram"}),
        ("key_variable = settings.deepgram_url", set()),
    ],
)
def test_an_engine_that_is_named_elsewhere_is_found(tmp_path, line, named):
    path = tmp_path / "planted.py"
    path.write_text(line, "utf-8")
    assert literals(path) == named
