"""A made-up hosted engine: one spec and one adapter, as a second one would be added."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.engines import ChunkSize, EngineSpec, Expected, HostedSpec, Limits, Price, Setting
from shared.errors import EngineRefused
from shared.results import Heard, Word

ACME = EngineSpec(
    name="acme",
    in_sentences="Acme Speech",
    method="acme",
    method_in_sentences="Acme Speech",
    topic="chunks-acme",
    subscription="acme",
    chunks=(ChunkSize(seconds=1200.0, together=1),),
    longer_when_long=False,
    abilities=frozenset({"keyterms"}),
    expected=Expected(rtfx=50.0, start=0.0, source="made up"),
    hosted=HostedSpec(
        weights="rocket-1",
        key_variable="ACME_API_KEY",
        adapter="tests.acme",
        library="tests.acme",
        extra="acme",
        prices={"minute": Price(usd=0.002, per="minute of audio", source="made up", date="2026-11-20")},
        limits=Limits(url_bytes=1_000_000, seconds=3600.0),
        console="https://acme.example",
        address=Setting(
            variable="DROPSCRIBE_ACME_URL",
            default="https://api.acme.example",
            about="Address of Acme Speech.",
        ),
        open_calls=Setting(
            variable="DROPSCRIBE_ACME_CONCURRENCY",
            default=3,
            about="Calls of Acme Speech that one process may have open.",
        ),
    ),
)


@dataclass
class Adapter:
    """The port `HostedEngine`: four words for whatever it gets, or a refusal."""

    key: str
    address: str
    calls: int
    refuses: bool = False
    jobs: list = field(default_factory=list)

    def transcribe(self, job):
        self.jobs.append(job)
        if self.refuses:
            raise EngineRefused("credit", "Acme Speech wants money: add some at https://acme.example.")
        words = tuple(
            Word(text=text, start=0.2 + at, end=0.8 + at, confidence=0.9)
            for at, text in enumerate(("acme", "heard", "this", "well"))
        )
        return Heard(
            words=words,
            seconds=job.seconds,
            request_id=f"acme-{len(self.jobs)}",
            model=job.model,
            revision="2026-11-01",
            language="en",
        )


opened: list[Adapter] = []
refusing = False


def open_engine(settings, key):
    """As the table of engines names it."""
    address, calls = settings.addresses["acme"], settings.open_calls["acme"]
    opened.append(Adapter(key=key, address=address, calls=calls, refuses=refusing))
    return opened[-1]
