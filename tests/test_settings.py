from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def test_unset_and_empty_variables_take_the_defaults():
    assert Settings.from_environment({}) == Settings.from_environment({"CHUNK_DURATION_MINUTES": ""})


def test_values_are_read_with_their_types():
    settings = Settings.from_environment(
        {"CHUNK_DURATION_MINUTES": "2.5", "GPU_BATCH_SIZE": "16", "DROPSCRIBE_STATE_DIR": "~/x"}
    )
    assert (settings.chunk_minutes, settings.batch_size) == (2.5, 16)
    assert settings.state_dir == Path("~/x").expanduser()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHUNK_DURATION_MINUTES", "ten", "CHUNK_DURATION_MINUTES is 'ten'"),
        ("CHUNK_DURATION_MINUTES", "900", "must be from 0.1 to 60"),
        (
            "DROPSCRIBE_PLATFORM",
            "google",
            "GOOGLE_CLOUD_PROJECT is not set: it must be the id of your project",
        ),
        ("DROPSCRIBE_WORK_BUCKET", "audio", "would trigger the router"),
        ("DROPSCRIBE_ENGINES", "whisper", "it must be some of parakeet-cpu"),
        ("GPU_BATCH_SIZE", "0", "must be from 1 to 1024"),
        ("MAX_CONCURRENT_CHUNKS", "1.5", "MAX_CONCURRENT_CHUNKS is '1.5'"),
        ("TRANSCRIPTION_METHOD", "whisper", "TRANSCRIPTION_METHOD is 'whisper'"),
        ("DROPSCRIBE_TRANSCRIPTS_BUCKET", "audio", "would trigger the router"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_variable(name, value, says):
    with pytest.raises(ConfigurationError, match=says):
        Settings.from_environment({name: value})


def test_the_table_in_the_docs_names_every_setting_with_its_default():
    text = DOCS.read_text("utf-8")
    for one in fields(Settings):
        default = "" if one.default in {None, ""} or one.name == "state_dir" else f"`{one.default}`"
        assert f"| `{one.metadata['env']}` | {default} | {one.metadata['about']} |" in text
