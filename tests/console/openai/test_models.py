"""What names of models stand for."""

from __future__ import annotations

import pytest

from console.openai import models
from console.openai.errors import ApiError
from console.openai.models import Choice
from shared.settings import Settings

OURS = frozenset({"parakeet-cpu"})
BOTH = OURS | {"deepgram"}


@pytest.fixture
def settings(tmp_path):
    return Settings(state_dir=tmp_path, model="tiny")


@pytest.mark.parametrize(
    "name", ["whisper-1", "gpt-transcribe", "gpt-4o-transcribe-diarize", "gpt-9-anything"]
)
def test_names_of_openai_mean_the_default(settings, name):
    assert models.choose(name, settings, OURS) == Choice()


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("tiny", Choice()),
        ("parakeet", Choice(method="parakeet")),
        ("deepgram", Choice(method="deepgram")),
        ("nova-3", Choice(method="deepgram")),
        ("hybrid", Choice(method="hybrid")),
        ("nvidia/parakeet-tdt-0.6b-v2", Choice(model="nvidia/parakeet-tdt-0.6b-v2")),
    ],
)
def test_our_names_mean_what_they_mean_elsewhere(settings, name, choice):
    assert models.choose(name, settings, BOTH) == choice


@pytest.mark.parametrize("name", ["deepgram", "nova-3", "hybrid", "whisper-2", "", "nvidia/canary", "/etc/passwd",
                                  "nvidia/parakeet-../../etc", "Systran/faster-whisper-large-v3"])  # fmt: skip
def test_a_name_that_stands_for_nothing_here_is_not_found(settings, name):
    with pytest.raises(ApiError) as caught:
        models.choose(name, settings, OURS)
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    assert "parakeet" in caught.value.message


def test_the_list_has_what_can_be_asked_for(settings):
    for engines in (OURS, BOTH, frozenset({"deepgram"})):
        for name in models.names(settings, engines):
            models.choose(name, settings, engines)
    assert "tiny" not in models.names(settings, frozenset({"deepgram"}))
