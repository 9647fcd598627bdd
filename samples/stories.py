"""What is said in the sample recordings, and by whom. All of it is within the tiny model's grammar."""
# ruff: noqa: INP001 - imported by a script, not in a package

from __future__ import annotations

from dataclasses import dataclass, field
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
    about: str
    """One line for the README."""
    lines: tuple[tuple[Speaker, str], ...]
    """Who says what."""
    seed: int
    """Of pauses and noise."""
    pause: tuple[float, float] = (0.4, 1.2)
    """Shortest and longest pause between sentences, seconds."""
    noise: float = -65.0
    """White noise, decibels of full scale."""
    media: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `write_media`."""


def _said(*lines: tuple[Speaker, str]) -> tuple[tuple[Speaker, str], ...]:
    """One line a sentence; a paragraph of one speaker may be given in one string."""
    return tuple(
        (speaker, text.strip())
        for speaker, paragraph in lines
        for text in paragraph.splitlines()
        if text.strip()
    )


RECORDINGS = (
    Recording(
        name="status-meeting.mp3",
        about="three colleagues at a Monday meeting, stereo mp3",
        seed=1,
        media={"rate": 32_000, "layout": "stereo", "bit_rate": 48_000},
        lines=_said(
            (
                MANAGER,
                """the meeting is on monday june twelve at nine in the morning
                our team is waiting for the contract from berlin
                the customer called about the invoice this morning""",
            ),
            (
                PLANNER,
                """the customer paid for the invoice last night
                the total is eight hundred and forty dollars and fifty cents
                order number four seven one one three
                we will ship the package to london tomorrow""",
            ),
            (
                DRIVER,
                """the driver found the package near chicago
                he signed for the order without a problem
                they will ship a blue box to denver as soon as possible""",
            ),
            (
                MANAGER,
                """the office lost the ticket for the second time
                she wants to return a red car to madrid
                please call five five two zero one and ask for oscar seven""",
            ),
            (
                PLANNER,
                """the doctor has cancelled two tickets to rome
                flight delta tango nineteen leaves for paris on thursday
                the pilot asked for some coffee this morning""",
            ),
            (
                DRIVER,
                """order number nine zero two six
                the customer signed for a black case in seattle
                the total is sixty five dollars and twenty cents
                my brother is waiting for the last train in boston""",
            ),
            (
                MANAGER,
                """the manager called about the contract from tokyo
                our team paid for the order last night
                the customer asked for the invoice as soon as possible""",
            ),
            (
                PLANNER,
                """order number one eight three three five
                we lost the package near paris for the second time
                the total is two hundred dollars and seventy cents
                the driver will ship the package today""",
            ),
            (
                DRIVER,
                """she found the green door in rome without a problem
                they called about a black case from berlin
                please call three one four and ask for victor two""",
            ),
            (
                MANAGER,
                """he has cancelled the order to madrid
                the office is waiting for the contract in the evening
                the meeting is on friday october twenty at eleven sharp""",
            ),
        ),
    ),
    Recording(
        name="order-hotline.m4a",
        about="a caller and an agent, mono AAC",
        seed=2,
        media={"rate": 22_050, "bit_rate": 40_000},
        lines=_said(
            (
                HOTLINE,
                """order number seven zero four two
                the customer called about the package from denver""",
            ),
            (
                CALLER,
                """the driver lost the package near boston last night
                my brother paid for the order""",
            ),
            (
                HOTLINE,
                """the total is ninety dollars and fifteen cents
                we found the package in chicago this morning
                the office will ship the package tomorrow""",
            ),
            (
                CALLER,
                """she wants to return a blue box
                please call six one six two and ask for mike four""",
            ),
            (
                HOTLINE,
                """order number three eight five nine one
                the manager signed for a blue box today
                the total is twelve dollars and thirty cents""",
            ),
            (
                CALLER,
                """we will ship a blue box to seattle as soon as possible
                sierra papa echo two""",
            ),
        ),
    ),
    Recording(
        name="flight announcements.flac",
        about="an airport loudspeaker, long pauses, lossless; the name has a space in it",
        seed=3,
        pause=(1.0, 3.0),
        lines=_said(
            (
                AIRPORT,
                """flight alpha lima forty two leaves for london on monday
                flight hotel juliet seventeen leaves for tokyo on wednesday
                the pilot is waiting for some coffee
                flight echo romeo six leaves for berlin on friday
                the customer lost a black case in madrid
                please call eight eight one five and ask for golf nine
                flight zulu whiskey three hundred leaves for denver on sunday""",
            ),
        ),
    ),
    Recording(
        name="warehouse-tour.mp4",
        about="a video: the sound is transcribed, the picture ignored",
        seed=4,
        media={"bit_rate": 40_000, "rate": 44_100, "picture": True},
        lines=_said(
            (
                PLANNER,
                """the office found the green door
                the driver signed for a blue box this morning
                our team will ship the order to paris today
                order number two two six zero four
                the manager paid for some coffee
                the total is fifty dollars and five cents
                the meeting is on tuesday march three at ten in the morning""",
            ),
        ),
    ),
    Recording(
        name="voice-note.opus",
        about="half a minute at the bit rate of a phone, Opus at 16 kbit/s",
        seed=5,
        media={"bit_rate": 16_000},
        lines=_said(
            (
                BROTHER,
                """my brother lost the ticket in seattle last night
                we called about the last train to boston
                the doctor is waiting for two tickets
                please call seven three zero nine and ask for tango eight
                he will ship the contract tomorrow
                they found some coffee near denver this morning
                bravo charlie hotel india juliet""",
            ),
        ),
    ),
)
