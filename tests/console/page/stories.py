"""Made-up recordings that look like those of a team: for screenshots and for tests that need some of everything."""

from __future__ import annotations

import datetime as dt
import time
import wave

import numpy as np

from tests.console.page.fake import words_of

INTERVIEW = (
    (
        0,
        "Thanks for making the time. Before we start, could you say who you are and what you do at the river authority?",
    ),
    (
        1,
        "Of course. My name is Karenina, Anna Karenina. I look after the gauges between the second bridge and the lock, and since last spring also the pumps at the old harbour.",
    ),
    (0, "How did the night of the third of March begin for you?"),
    (
        1,
        "With a phone call at a quarter past two. The gauge below the bridge had risen by forty centimetres in an hour, which it never does. I first thought the sensor was broken, because that is what it usually is.",
    ),
    (
        1,
        "Then the second gauge said the same. So I got up, made coffee, and drove down there. It rained so hard that I could not see the road.",
    ),
    (0, "And what did you find when you arrived?"),
    (
        1,
        "Nothing, at first, and that was the strange part. The water was calm. It stood where it always stands, only much higher, as if somebody had lifted the whole river.",
    ),
)
"""A conversation of two."""


def sound(path, seconds=60.0, rate=8000):
    """A wav file with a tone whose loudness changes as speech does."""
    time_axis = np.arange(int(seconds * rate)) / rate
    loud = 0.2 + 0.8 * np.abs(np.sin(time_axis * 1.7) * np.sin(time_axis * 0.31))
    samples = (np.sin(time_axis * 2 * np.pi * 180) * loud * 8000).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return path


def speech_like(seconds):
    """Peaks as speech has them: phrases with pauses between."""
    chance = np.random.default_rng(7)
    count = int(seconds * 10)
    envelope = np.repeat(chance.choice([0.05, 0.6, 0.8, 1.0], count // 12 + 1, p=[0.2, 0.3, 0.3, 0.2]), 12)[
        :count
    ]
    return np.clip(envelope * chance.uniform(0.3, 1.0, count) * 255, 2, 255).astype(int).tolist()


def costs(now=None):
    """A month of `dropscribe cost --json`. `now`: seconds since 1970."""
    today = dt.datetime.fromtimestamp(now or time.time(), dt.UTC).date()
    chance = np.random.default_rng(3)
    days = {
        (today - dt.timedelta(days=back)).isoformat(): round(float(chance.uniform(0.05, 0.9)), 6)
        for back in range(29, -1, -1)
        if (today - dt.timedelta(days=back)).weekday() < 5
    }
    usd = round(sum(days.values()), 6)
    shares = (("parakeet", 0.55), ("deepgram", 0.3), ("hybrid", 0.1), ("(workers without work)", 0.05))
    return {
        "since": (today - dt.timedelta(days=29)).isoformat(),
        "until": today.isoformat(),
        **sums(usd, 412, 318.4),
        "reference": {"name": "Deepgram", "column": "deepgram_usd"},
        "failed_usd": 0.06,
        "lost_usd": 0.02,
        "unused_usd": 0.04,
        "busy_hours": 7.2,
        "forecast_usd": round(usd * 1.1, 6),
        "forecast_from_days": 7,
        "budgets": [
            {"period": "day", "limit_usd": 2.0, "spent_usd": 0.43},
            {"period": "month", "limit_usd": 12.0, "spent_usd": 10.4},
        ],
        "ever_usd": 48.2,
        "by": "method",
        "groups": [
            {"name": name, **sums(round(usd * share, 6), int(412 * share), round(318.4 * share, 6))}
            for name, share in shares
        ],
        "days": days,
        "advice": [
            {
                "text": "GPU workers were idle for 41% of their paid time. Collect work for 60 s before a worker is started (DROPSCRIBE_START_DELAY=60).",
                "usd_per_month": 1.2,
            }
        ],
        "advice_withheld": None,
        "prices": "2026-11",
        "cpu_usd_per_hour": 0.0,
    }


def sums(usd, recordings, hours):
    """The sums of a group."""
    return {
        "recordings": recordings,
        "audio_hours": hours,
        "attempts": recordings + 5,
        "usd": usd,
        "usd_per_recording": usd / recordings if recordings else None,
        "usd_per_audio_hour": usd / hours if hours else None,
        "idle_usd": round(usd * 0.2, 6),
        "wasted_usd": round(usd * 0.02, 6),
        "deepgram_usd": round(hours * 0.258, 6),
        "saved_usd": round(hours * 0.258 - usd, 6),
    }


def fill(fake, now=None):
    """Puts recordings of all kinds into a fake. `now`: seconds since 1970."""
    hour = 3600.0
    now = now or time.time()
    uncertain = {17: 41, 18: 55, 52: 38, 101: 47, 140: 52}
    answer = words_of(
        INTERVIEW,
        speakers=["Reporter", "Speaker 2"],
        every=330,
        confidence=lambda index: uncertain.get(index, 96),
    )
    attempt = {
        "chunk": 0,
        "engine": "deepgram",
        "started": now - hour,
        "seconds": 4.2,
        "usd": 0.0021,
        "outcome": "no answer",
        "note": "timed out",
        "wasted": True,
    }
    fake.add(
        "interview",
        "interviews/river-authority.mp3",
        answer,
        created=now - hour,
        method="deepgram",
        label="research",
        usd=0.0064,
        speakers=2,
        warnings=1,
        detail={
            "why": "deepgram was asked for",
            "considered": [
                {"method": "deepgram", "usd": 0.0043, "wait": 20.0, "score": 0.0043, "why_not": ""},
                {
                    "method": "parakeet",
                    "usd": 0.0010,
                    "wait": 61.0,
                    "score": 0.0010,
                    "why_not": "deepgram was asked for",
                },
            ],
            "warnings": [
                "The file breaks off after 1 min 0 s: it was probably not copied to the end. All that is there is transcribed."
            ],
            "attempts": [
                attempt,
                attempt | {"seconds": 3.1, "usd": 0.0043, "outcome": "heard", "note": "", "wasted": False},
            ],
        },
    )
    fake.peaks["interview"] = {"rate": 10, "peaks": speech_like(60), "gaps": []}
    lines = [said for _, said in INTERVIEW]
    live = words_of([*lines[:2], *lines[4:]], every=330) | {
        "complete": False,
        "gaps": [[18_000, 24_000], [48_000, 60_000]],
    }
    fake.add(
        "hearing",
        "council-hearing-2026-11-12.m4a",
        live,
        state="PLANNED",
        created=now - 240,
        finished=None,
        chunks=12,
        chunks_done=5,
        seconds=60.0,
        usd=0.0008,
        label="council",
    )
    fake.add(
        "call",
        "calls/2026-11-28 order hotline.opus",
        words_of(lines[:3]),
        created=now - 2 * hour,
        seconds=54.0,
        usd=0.0009,
        label="sales",
    )
    fake.add(
        "lecture",
        "lecture-07-sediment-transport.mp4",
        words_of(lines),
        created=now - 26 * hour,
        seconds=5_520.0,
        usd=0.0712,
        method="hybrid",
        label="research",
    )
    fake.add(
        "held",
        "archive/tape-113-side-b.wav",
        state="PLANNED",
        held=True,
        trouble=True,
        created=now - 27 * hour,
        finished=None,
        chunks=6,
        chunks_done=0,
        seconds=2_700.0,
        usd=0.0,
        language="",
    )
    fake.add(
        "broken",
        "uploads/voicemail (3).amr",
        state="FAILED",
        trouble=True,
        created=now - 30 * hour,
        finished=now - 30 * hour,
        seconds=None,
        usd=0.0,
        method=None,
        language="",
        chunks=0,
        chunks_done=0,
        size=212,
        reason="The file ends in its header: it was cut off while it was copied. Copy it again and upload it under the same name.",
    )
    fake.add(
        "podcast",
        "podcast/episode-42-final-final.flac",
        words_of(lines),
        created=now - 50 * hour,
        seconds=3_905.0,
        usd=0.0161,
    )
    fake.add(
        "note", "voice-note.opus", words_of(lines[:1]), created=now - 73 * hour, seconds=25.6, usd=0.0002
    )
    fake.costs = costs(now)
    fake.letters = [
        {
            "id": "7",
            "topic": "chunks-deepgram",
            "reason": "Deepgram answered 401: the key is not valid any more. Set DEEPGRAM_API_KEY, then send the message again.",
            "published": now - 5 * hour,
            "data_preview": '{"recording":"k3…","chunk":4}',
        }
    ]
    fake.workers = [
        {
            "pool": "gpu-worker",
            "status": "cannot be had",
            "reason": "The region has no L4 left (quota). Deepgram takes over where it may.",
        },
        {"pool": "cpu-worker", "status": "running", "reason": ""},
    ]
    fake.hits = [
        {
            "recording": "interview",
            "name": "interviews/river-authority.mp3",
            "start": 20_100,
            "snippet": [
                ["The gauge below the ", False],
                ["bridge", True],
                [" had risen by forty centimetres", False],
            ],
        },
        {
            "recording": "interview",
            "name": "interviews/river-authority.mp3",
            "start": 8_900,
            "snippet": [["between the second ", False], ["bridge", True], [" and the lock", False]],
        },
        {
            "recording": "lecture",
            "name": "lecture-07-sediment-transport.mp4",
            "start": 44_000,
            "snippet": [["piers of the ", False], ["bridge", True], [" slow the water down", False]],
        },
    ]
