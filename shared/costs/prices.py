"""What things cost: one table, versioned, with unit, source and date of each price.

A deployment's own prices stand in a file named by `DROPSCRIBE_PRICES` (`shared/costs/prices_file.py`). Every row of the
ledger keeps the version of the table that it was priced with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model import Engine, Options
    from shared.results import LedgerRow
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One price."""

    usd: float
    """US dollars per unit."""
    per: str
    """The unit."""
    source: str
    """Who says so."""
    date: str
    """When it was read, ISO 8601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How a provider counts time."""

    seconds: float
    """Seconds."""
    source: str
    """Who says so."""
    date: str
    """When it was read, ISO 8601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceTable:
    """All prices of one version."""

    version: str
    """Stands in every ledger row that was priced with it."""
    deepgram_minute: Price
    """Deepgram nova-3, pre-recorded, one language, pay as you go. Billed by the second, not rounded up."""
    deepgram_minute_multilingual: Price
    """The same where the language is `mul`: several in one recording."""
    deepgram_minute_speakers: Price
    """What a minute costs more where the speakers are told apart."""
    deepgram_minute_keyterms: Price
    """What a minute costs more where keyterms are listened for."""
    l4_second: Price
    """One L4 of Cloud Run without zonal redundancy."""
    vcpu_second: Price
    """One vCPU of a Cloud Run job."""
    gib_second: Price
    """One GiB of memory of a Cloud Run job."""
    task_minimum: Rule
    """What Cloud Run bills at least for an instance of a job."""
    task_step: Rule
    """It rounds up to multiples of this."""

    def gpu_second(self, settings: Settings) -> float:
        """US dollars for a second of a GPU task in the shape that the deployment gave it."""
        return (
            self.l4_second.usd
            + settings.gpu_vcpus * self.vcpu_second.usd
            + settings.gpu_memory_gib * self.gib_second.usd
        )

    def cpu_second(self, settings: Settings) -> float:
        """US dollars for a second of a task of the job without a GPU, in the shape that the deployment gave it."""
        return settings.cpu_vcpus * self.vcpu_second.usd + settings.cpu_memory_gib * self.gib_second.usd

    def engine_second(self, engine: Engine, settings: Settings) -> float:
        """US dollars for a second in which a worker with this engine runs; 0 for a hosted engine.

        A GPU of one's own is a part of one's own computer: only in a project it is Cloud Run's. There a processor
        is that of the job without a GPU, or, where there is no such job, the one beside the GPU.
        """
        if engine == "deepgram":
            return 0.0
        if settings.platform == "local":
            return settings.cpu_usd_per_hour / 3600
        if engine == "parakeet-cpu" and settings.has_cpu_job:
            return self.cpu_second(settings)
        return self.gpu_second(settings)

    def task_seconds(self, seconds: float) -> float:
        """Seconds that Cloud Run bills for an instance that lived so long."""
        # A millionth of a step is the clock's noise, not another step.
        steps = math.ceil(round(seconds / self.task_step.seconds, 6))
        return max(self.task_minimum.seconds, round(steps * self.task_step.seconds, 9))

    def deepgram(self, audio_seconds: float, options: Options | None = None) -> float:
        """US dollars that Deepgram asks for this much audio, with what its options add to the price."""
        minute = self.deepgram_minute.usd
        if options is not None:
            if (options.language or "").lower() in {"mul", "multi"}:
                minute = self.deepgram_minute_multilingual.usd
            minute += self.deepgram_minute_speakers.usd if options.diarize else 0.0
            minute += self.deepgram_minute_keyterms.usd if options.phrases else 0.0
        return audio_seconds / 60 * minute


_CLOUD_RUN = "cloud.google.com/run/pricing, us-central1, jobs"
_DEEPGRAM = "deepgram.com/pricing, nova-3, pre-recorded, pay as you go"
_DEEPGRAM_MORE = "deepgram.com/pricing, add-ons, pay as you go, as others quote it, some for streaming only"

TABLE = PriceTable(
    version="2026-11-20",
    deepgram_minute=Price(
        usd=0.0043,
        per="minute of audio",
        source=f"{_DEEPGRAM}, monolingual (0.0077 is quoted as well)",
        date="2026-11-20",
    ),
    deepgram_minute_multilingual=Price(
        usd=0.0052, per="minute of audio", source=f"{_DEEPGRAM}, multilingual", date="2026-11-20"
    ),
    deepgram_minute_speakers=Price(
        usd=0.0020, per="minute of audio", source=_DEEPGRAM_MORE, date="2026-11-20"
    ),
    deepgram_minute_keyterms=Price(
        usd=0.0013, per="minute of audio", source=_DEEPGRAM_MORE, date="2026-11-20"
    ),
    l4_second=Price(
        usd=0.0001867, per="second", source=f"{_CLOUD_RUN}, L4 without zonal redundancy", date="2026-11-20"
    ),
    vcpu_second=Price(usd=0.000018, per="vCPU and second", source=_CLOUD_RUN, date="2026-11-20"),
    gib_second=Price(usd=0.000002, per="GiB and second", source=_CLOUD_RUN, date="2026-11-20"),
    task_minimum=Rule(seconds=60.0, source=f"{_CLOUD_RUN}, billable instance time", date="2026-11-20"),
    task_step=Rule(seconds=0.1, source=f"{_CLOUD_RUN}, billable instance time", date="2026-11-20"),
)
"""The list prices."""


def total(rows: Iterable[LedgerRow]) -> float:
    """US dollars of all rows, wasted attempts included."""
    return math.fsum(row.usd for row in rows)
