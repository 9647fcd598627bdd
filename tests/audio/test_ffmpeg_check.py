from __future__ import annotations

import av
import pytest

from shared.audio import ffmpeg_check
from shared.audio.probing.ffmpeg import DECODERS
from shared.errors import ConfigurationError


def test_the_installed_ffmpeg_has_all_that_is_needed(capsys):
    assert ffmpeg_check.main() == 0
    assert capsys.readouterr().out.startswith("FFmpeg 8.")


def test_a_missing_decoder_is_named(monkeypatch, capsys):
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"opus", "alac"})
    assert ffmpeg_check.main() == 1
    assert "lacks the decoders alac, opus. Install" in capsys.readouterr().err


def test_another_major_version_is_refused(monkeypatch):
    monkeypatch.setattr(av, "ffmpeg_version_info", "7.1")
    with pytest.raises(ConfigurationError, match=r"carries FFmpeg 7\.1, and this project knows FFmpeg 8"):
        ffmpeg_check.check()


def test_what_is_needed_is_allowed():
    assert set(DECODERS.split(",")) >= ffmpeg_check.NEEDED
