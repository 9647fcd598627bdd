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


@pytest.mark.usefixtures("three_engines")
def test_ours_and_hosted_ones_are_told_apart():
    assert engines.own_specs() == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.hosted_specs() == [DEEPGRAM]
    assert engines.hosted_specs(["parakeet-cpu"]) == []
    assert engines.able("speakers") == [PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM]
    assert engines.able("keyterms") == [PARAKEET_GPU, DEEPGRAM]


@pytest.mark.usefixtures("three_engines")
def test_a_caller_chooses_among_methods_not_engines():
    assert engines.methods() == ["parakeet", "hybrid", "deepgram"]
    assert engines.choices() == ["auto", "parakeet", "deepgram", "hybrid"]
    assert engines.of_method("parakeet") == [PARAKEET_GPU, PARAKEET_CPU]
    assert engines.of_method("hybrid") == [PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM]


@pytest.mark.usefixtures("three_engines")
@pytest.mark.parametrize(
    ("method", "told"),
    [("parakeet", "Parakeet"), ("deepgram", "Deepgram"), ("hybrid", "Parakeet and Deepgram together")],
)
def test_a_method_has_a_name_for_sentences(method, told):
    assert engines.method_name(method) == told


MAY_SAY_NAMES = {
    "shared/engines.py": "the table",
    "shared/adapters/engines/": "the adapter of each hosted engine",
    "gpu_job/": "our own engines",
    "shared/adapters/bills/": "the bill of each provider",
    "local/commands/views/": "`dropscribe cost reconcile` compares these bills with the ledger",
    "dropscribe/legacy/": "the earlier pipeline, which knew no other hosted engine",
}
"""Files and folders that may say the name of an engine, and why: elsewhere it is wrong when another one is added."""


def said(text):
    """The engines that a text names. Parakeet alone is the architecture, which our own engines run."""
    return {
        one.name
        for one in ENGINES.values()
        if one.name in text or one.in_sentences in text or (one.hosted and one.name in text.lower())
    }


def test_no_text_of_the_product_names_an_engine():
    files = [path for folder in TOPS for end in ("py", "js") for path in (ROOT / folder).rglob(f"*.{end}")]
    files += (ROOT / "terraform").glob("*.tf")
    found = {
        path.relative_to(ROOT).as_posix(): names for path in files if (names := said(path.read_text("utf-8")))
    }
    assert {path: names for path, names in found.items() if not path.startswith(tuple(MAY_SAY_NAMES))} == {}
    assert all(any(path.startswith(one) for path in found) for one in MAY_SAY_NAMES), (
        "take it out of the list"
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Longer recordings go to Deepgram.", {"deepgram"}),
        ("os.environ['DEEPGRAM_API_KEY']", {"deepgram"}),
        ('engine = "parakeet-gpu"', {"parakeet-gpu"}),
        ("Parakeet on a CPU does it.", {"parakeet-cpu"}),
        ("PARAKEET_GPU.name, and weights such as nvidia/parakeet-tdt-0.6b-v3", set()),
    ],
)
def test_a_text_that_names_an_engine_is_found(text, names):
    assert said(text) == names


@pytest.mark.usefixtures("three_engines")
def test_who_supports_an_option_is_told_in_a_sentence():
    assert engines.supported_by("filler_words") == "Deepgram"
    assert engines.supported_by("keyterms") == "Parakeet on a GPU and Deepgram"
    assert engines.supported_by("speakers") == "Parakeet on a GPU, Parakeet on a CPU and Deepgram"


@pytest.mark.usefixtures("three_engines")
def test_methods_have_titles_in_a_list_of_choices():
    titles = [engines.method_title(one) for one in engines.choices()]
    assert titles == ["Automatic", "Parakeet", "Deepgram", "Hybrid"]


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
        ("key_variable = settings.addresses", set()),
    ],
)
def test_an_engine_that_is_named_elsewhere_is_found(tmp_path, line, named):
    path = tmp_path / "planted.py"
    path.write_text(line, "utf-8")
    assert literals(path) == named
