"""What is uploaded to which deployment, and how its engines behave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from shared.engines import hosted_specs
from shared.settings import Settings

Behaviour = Literal["fine", "too small", "partly", "moody", "no weights"]
"""Of our engines: the GPU is `too small` for every chunk, or `partly`, for some of them, or `moody`: fails now and then,
in every way; or there are `no weights`, so that no worker can start."""

WEBHOOK_SECRET = "whsec_" + "c2VjcmV0" * 4
"""Signs what the address is told."""

OURS = ("parakeet-gpu", "parakeet-cpu")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One recording."""

    name: str
    seconds: float = 16.0
    metadata: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    """Requests of other services for it."""
    lost: bool = False
    """Its event never comes."""
    cancelled: bool = False
    """A person cancels it, if it has not ended by then."""
    retried: bool = False
    """And asks for it again after that."""
    header: float | None = None
    """Seconds that its header says, if it is longer than that."""
    forgotten: bool = False
    """A person has it deleted, at work or not; its event and its requests come once more after that."""
    over: str = ""
    """The upload whose name it has, and whose place it takes at any moment after that has a recording."""
    removed: bool = False
    """Its file is deleted at any moment after it has a recording."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of history."""

    name: str
    about: str
    """In words."""
    uploads: tuple[Upload, ...]
    engines: tuple[str, ...] = OURS
    platform: Literal["local", "google"] = "local"
    workers: int = 2
    """On one machine: workers that are kept running."""
    gpu: Behaviour = "fine"
    call_seconds: float = 1.0
    """How long a call of an engine of ours takes."""
    hosted_trouble: float = 0.0
    """Chance that a call of the hosted engine fails."""
    refuses: float = 0.0
    """Chance that it refuses a call for good."""
    vanishing: float = 0.0
    """Chance that a result is gone when the merger reads it."""
    garbage: bool = False
    """Messages that nobody can read, in every topic; a person replays one of them."""
    settings: dict[str, Any] = field(default_factory=dict)
    twice: float = 0.02
    """Chance that a delivery is repeated although it is in hand."""
    repeated: float = 0.15
    """Chance that an event or a request is published twice."""
    others: dict[str, Any] = field(default_factory=dict)
    """Settings of about half of the processes, where they are not those of the rest."""
    beside: Literal["", "earlier", "later"] = ""
    """Another release, of which about half of the processes are."""
    outage: bool = False
    """The store, the records and the queue refuse everything for a while."""
    away: tuple[str, ...] = ()
    """Buckets of which one is not there for minutes, or for longer than an hour."""
    backfill: bool = False
    """A person asks, twice, for all objects that have no recording."""
    skew: float = 0.0
    """Seconds by which the clocks of two processes may differ."""
    faults: float = 0.03
    """Chance of a fault at a call."""
    most: int = 5
    """Faults in one history."""

    @cached_property
    def other(self) -> Settings:
        """The settings of the other processes."""
        return replace(self.deployment, **self.others)

    @cached_property
    def deployment(self) -> Settings:
        """The settings."""
        values: dict[str, Any] = {
            "state_dir": Path("/nowhere"),
            "engines": ",".join(self.engines),
            "chunk_minutes": 0.1,
            "model": "sim",
            "batch_size": 2,
            "audio_bucket": "audio",
            "transcripts_bucket": "transcripts",
            "work_bucket": "work",
        }
        values["api_keys"] = {one.name: "key" for one in hosted_specs(self.engines)}
        if self.platform == "google":
            values |= {"platform": "google", "project": "my-project", "gpu_max_tasks": 2}
        return Settings(**values | self.settings)


SCENARIOS = {
    one.name: one
    for one in (
        Scenario(
            name="one",
            about="one upload of several chunks, one worker",
            uploads=(Upload(name="a.wav"),),
            workers=1,
        ),
        Scenario(
            name="several",
            about="three uploads, two workers, and a request for one of them",
            uploads=(
                Upload(name="a.wav"),
                Upload(name="b.wav", seconds=5.0, requests=1),
                Upload(name="c.wav", seconds=11.0),
            ),
        ),
        Scenario(
            name="calm",
            about="no faults, but repeated events and requests in any order",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="b.wav", seconds=11.0, requests=2)),
            repeated=0.5,
            twice=0.0,
            faults=0.0,
            most=0,
        ),
        Scenario(
            name="copies",
            about="many messages are delivered while somebody has them, or after they were acknowledged",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0, requests=1)),
            twice=0.25,
            most=3,
        ),
        Scenario(
            name="hand-over",
            about="the GPU is too small for every chunk, so that all go to the processor",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            gpu="too small",
            most=3,
        ),
        Scenario(
            name="moody",
            about="the GPU fails now and then, in every way",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            gpu="moody",
            most=4,
        ),
        Scenario(
            name="speakers",
            about="speakers of several chunks, which two workers hear with the words; the GPU fails now and then",
            uploads=(
                Upload(name="a.wav", metadata={"dropscribe-diarize": "true"}),
                Upload(name="b.wav", seconds=11.0, metadata={"dropscribe-max_speakers": "2"}),
            ),
            gpu="moody",
            most=4,
        ),
        Scenario(
            name="speakers-whole",
            about="the GPU is too small for one chunk of several with speakers, so that Deepgram takes over the whole",
            uploads=(Upload(name="c.wav", seconds=21.0, metadata={"dropscribe-diarize": "true"}),),
            engines=("parakeet-gpu", "deepgram"),
            gpu="partly",
            hosted_trouble=0.05,
            most=4,
        ),
        Scenario(
            name="speakers-back",
            about="Deepgram refuses some recordings with speakers for good, so that our engine takes over the whole",
            uploads=(
                Upload(name="a.wav", metadata={"dropscribe-diarize": "true"}),
                Upload(name="b.wav", seconds=11.0, metadata={"dropscribe-diarize": "true"}),
            ),
            engines=("parakeet-cpu", "deepgram"),
            refuses=0.5,
            settings={"rollout_percent": 0.0},
            most=3,
        ),
        Scenario(
            name="hosted",
            about="Deepgram only, which fails now and then, with and without a charge",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="b.wav", seconds=5.0)),
            engines=("deepgram",),
            workers=0,
            hosted_trouble=0.1,
            most=4,
        ),
        Scenario(
            name="last-resort",
            about="the GPU is too small and there is no processor, so that all go to Deepgram",
            uploads=(Upload(name="a.wav"),),
            engines=("parakeet-gpu", "deepgram"),
            gpu="too small",
            workers=1,
            hosted_trouble=0.05,
            most=3,
        ),
        Scenario(
            name="hybrid",
            about="two engines share a recording",
            uploads=(Upload(name="a.wav", seconds=30.0, metadata={"dropscribe-method": "hybrid"}),),
            engines=("parakeet-gpu", "deepgram"),
            workers=1,
            settings={"cost_threshold": 10.0, "open_calls": {"deepgram": 2}},
        ),
        Scenario(
            name="project",
            about="a project: workers that are started for the work and end, and an event that is lost",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="lost.wav", seconds=5.0, lost=True)),
            platform="google",
        ),
        Scenario(
            name="budget",
            about="a budget that is used up by the first recording: the next one waits for the next day",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav")),
            engines=("deepgram",),
            workers=0,
            # One takes 0.0019 and is expected to take 0.0021: there is no room for both on one day.
            settings={"budget_daily_usd": 0.0039},
            most=2,
        ),
        Scenario(
            name="long",
            about="an engine whose calls take longer than a lease",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            call_seconds=150.0,
        ),
        Scenario(
            name="cancelled",
            about="recordings in progress are cancelled; one of them is asked for again; clocks differ",
            skew=25.0,
            uploads=(
                Upload(name="a.wav", cancelled=True, retried=True),
                Upload(name="b.wav", seconds=11.0, cancelled=True),
            ),
            workers=1,
            call_seconds=2.0,
            most=3,
        ),
        Scenario(
            name="cancelled-hosted",
            about="the same of a recording that Deepgram has",
            uploads=(Upload(name="a.wav", cancelled=True, retried=True),),
            engines=("deepgram",),
            workers=0,
            hosted_trouble=0.05,
            settings={"open_calls": {"deepgram": 1}},
            most=3,
        ),
        Scenario(
            name="cancelled-hand-over",
            about="the same of a recording whose chunks were handed over",
            uploads=(Upload(name="a.wav", cancelled=True, retried=True),),
            gpu="too small",
            call_seconds=2.0,
            workers=1,
            most=2,
        ),
        Scenario(
            name="longer",
            about="a recording that is longer than its header says",
            uploads=(Upload(name="a.wav", seconds=21.0, header=8.0),),
            workers=1,
            most=3,
        ),
        Scenario(
            name="vanishing",
            about="results that are gone when the merger reads them",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            vanishing=0.2,
            most=3,
        ),
        Scenario(
            name="garbage",
            about="messages that nobody can read, one of which a person replays, and a request that is refused",
            uploads=(Upload(name="a.wav", requests=1),),
            workers=1,
            garbage=True,
            most=3,
        ),
        Scenario(
            name="refused",
            about="Deepgram refuses some calls for good, so that our engine gets their chunks",
            uploads=(Upload(name="a.wav"),),
            engines=("parakeet-cpu", "deepgram"),
            workers=1,
            refuses=0.3,
            settings={"rollout_percent": 0.0},
            most=3,
        ),
        Scenario(
            name="no-weights",
            about="no worker finds its weights, so that Deepgram gets everything",
            uploads=(Upload(name="a.wav"),),
            engines=("parakeet-cpu", "deepgram"),
            workers=1,
            gpu="no weights",
            most=3,
        ),
        Scenario(
            name="hosted-project",
            about="Deepgram only, in a project: nobody can tell whether a process is alive",
            uploads=(Upload(name="a.wav"),),
            engines=("deepgram",),
            platform="google",
            workers=0,
            hosted_trouble=0.1,
            most=3,
        ),
        Scenario(
            name="forgotten",
            about="a recording is deleted, and its event and its request come again later",
            uploads=(Upload(name="a.wav", requests=1, forgotten=True), Upload(name="b.wav", seconds=5.0)),
            most=3,
        ),
        Scenario(
            name="webhooks",
            about="an address is told of every end and every answer; its calls fail, and their replies are lost",
            uploads=(
                Upload(name="a.wav", requests=1),
                Upload(name="b.wav", seconds=5.0, cancelled=True, retried=True),
            ),
            workers=1,
            settings={"webhook_url": "https://example.com/hook", "webhook_secret": WEBHOOK_SECRET},
            most=4,
        ),
        Scenario(
            name="earlier-release",
            about="a release is under way: some processes are of the first one",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="b.wav", seconds=5.0)),
            beside="earlier",
        ),
        Scenario(
            name="earlier-hand-over",
            about="the same, and the GPU is too small for every chunk",
            uploads=(Upload(name="a.wav", requests=1),),
            engines=("parakeet-gpu", "deepgram"),
            gpu="too small",
            workers=1,
            beside="earlier",
        ),
        Scenario(
            name="later-release",
            about="some processes are of a later release, which writes more than this one knows",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="b.wav", seconds=5.0)),
            gpu="moody",
            beside="later",
        ),
        Scenario(
            name="later-hosted",
            about="the same with Deepgram, in a project",
            uploads=(Upload(name="a.wav", requests=1),),
            engines=("deepgram",),
            platform="google",
            workers=0,
            hosted_trouble=0.1,
            beside="later",
            most=3,
        ),
        Scenario(
            name="settings",
            about="settings are being changed: some processes have the new ones",
            uploads=(
                Upload(name="a.wav", metadata={"dropscribe-formats": "ctm"}),
                Upload(name="b.wav", seconds=5.0, cancelled=True, retried=True),
            ),
            gpu="moody",
            others={"formats": "md,rttm", "chunk_minutes": 0.2, "batch_size": 1, "model": "other"},
            most=3,
        ),
        Scenario(
            name="clocks",
            about="processes whose clocks differ",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            skew=25.0,
        ),
        Scenario(
            name="outage",
            about="the store, the records and the queue refuse everything for a while; nothing else goes wrong",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            workers=1,
            outage=True,
            twice=0.0,
            repeated=0.0,
            faults=0.0,
        ),
        Scenario(
            name="outage-hosted",
            about="the same, with Deepgram only",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            engines=("deepgram",),
            workers=0,
            outage=True,
            twice=0.0,
            repeated=0.0,
            faults=0.0,
        ),
        Scenario(
            name="replaced",
            about="files are replaced and deleted, while they are at work, and while they are asked for again",
            uploads=(
                Upload(name="a.wav", cancelled=True, retried=True),
                Upload(name="a2.wav", seconds=11.0, over="a.wav"),
                Upload(name="b.wav", seconds=5.0, cancelled=True, retried=True, removed=True),
            ),
            workers=1,
            call_seconds=2.0,
            most=2,
        ),
        Scenario(
            name="backfill",
            about="a person asks, twice, for all files without a recording, while uploads of some of them arrive",
            uploads=(
                Upload(name="old-a.wav", seconds=11.0, lost=True),
                Upload(name="old-b.wav", seconds=5.0, lost=True),
                Upload(name="new-a.wav", seconds=5.0),
                Upload(name="new-b.wav", seconds=5.0, requests=1),
            ),
            engines=("deepgram",),
            workers=0,
            backfill=True,
            most=3,
        ),
        Scenario(
            name="away-inbox",
            about="the inbox of one machine is not there for minutes, or for longer than an hour",
            uploads=(Upload(name="a.wav", requests=1), Upload(name="b.wav", seconds=5.0)),
            workers=1,
            away=("audio",),
            most=2,
        ),
        Scenario(
            name="away-bucket",
            about="one of the buckets of a project is not there for minutes, or for longer than an hour",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            platform="google",
            away=("audio", "work", "transcripts"),
            most=2,
        ),
        Scenario(
            name="away-hosted",
            about="the same with Deepgram, which is paid for each call",
            uploads=(Upload(name="a.wav"), Upload(name="b.wav", seconds=5.0)),
            engines=("deepgram",),
            platform="google",
            workers=0,
            away=("audio", "work", "transcripts"),
            most=2,
        ),
    )
}
"""By name."""
