"""Who says what in the sample recordings. What is said is read from `truth/`, all within the tiny model's grammar."""
# ruff: noqa: INP001 - imported by a script, not in a package

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthesis import Speaker

MANAGER = Speaker(voice="en-us+m3", speed=150, pitch=45, gap=1)
PLANNER = Speaker(voice="en-gb+f2", speed=155, pitch=55, gap=1)
DRIVER = Speaker(voice="en-gb-scotland+m1", speed=150, pitch=40, gap=1)
HOTLINE = Speaker(voice="en-us-nyc+f3", speed=145, pitch=52, gap=2)
CALLER = Speaker(voice="en-029+m4", speed=150, pitch=42, gap=1)
AIRPORT = Speaker(voice="en-us+f2", speed=145, pitch=50, gap=2)
BROTHER = Speaker(voice="en-us+m5", speed=160, pitch=48, gap=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One sample recording."""

    name: str
    """File name; the suffix chooses the container."""
    turns: tuple[tuple[Speaker, int], ...]
    """Who says how many of its sentences, in order."""
    seed: int
    """Of pauses and noise."""
    pause: tuple[float, float] = (0.4, 1.2)
    """Shortest and longest pause between sentences, seconds."""
    noise: float = -65.0
    """White noise, decibels of full scale."""
    media: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `write_media`."""

    @property
    def lines(self) -> list[tuple[str, Speaker]]:
        """Each sentence of its text, and who says it."""
        text = Path(__file__).with_name("truth") / f"{self.name}.txt"
        speakers = [speaker for speaker, count in self.turns for _ in range(count)]
        return list(zip(text.read_text("utf-8").splitlines(), speakers, strict=True))


RECORDINGS = (
    Recording(
        name="status-meeting.mp3",
        turns=(
            *((MANAGER, 3), (PLANNER, 4), (DRIVER, 3), (MANAGER, 3), (PLANNER, 3)),
            *((DRIVER, 4), (MANAGER, 3), (PLANNER, 4), (DRIVER, 3), (MANAGER, 3)),
        ),
        seed=1,
        media={"rate": 32_000, "layout": "stereo", "bit_rate": 48_000},
    ),
    Recording(
        name="order-hotline.m4a",
        turns=((HOTLINE, 2), (CALLER, 2), (HOTLINE, 3), (CALLER, 2), (HOTLINE, 3), (CALLER, 2)),
        seed=2,
        media={"rate": 22_050, "bit_rate": 40_000},
    ),
    Recording(name="flight announcements.flac", turns=((AIRPORT, 7),), seed=3, pause=(1.0, 3.0)),
    Recording(
        name="warehouse-tour.mp4",
        turns=((PLANNER, 7),),
        seed=4,
        media={"bit_rate": 40_000, "rate": 44_100, "picture": True},
    ),
    Recording(name="voice-note.opus", turns=((BROTHER, 7),), seed=5, media={"bit_rate": 16_000}),
)
