"""The price table: versioned, with unit, source and date of each price.

A deployment's own prices are in the file named by `DROPSCRIBE_PRICES` (`shared/costs/prices_file.py`). Every
ledger row keeps the version of the table that it was priced with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.engines import EngineSpec, Price, hosted_specs, is_hosted, spec

if TYPE_CHECKING:
    from shared.model import Engine, Options
    from shared.results import LedgerRow
    from shared.settings import Settings


SENT_BYTES_A_SECOND = 20_000
"""What a second of speech takes as it is sent: FLAC, mono, 16 kHz, some 70 MB an hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How a provider counts time."""

    seconds: float
    source: str
    """Where it is published."""
    date: str
    """When it was read, ISO 8601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceTable:
    """All prices of one version."""

    version: str
    """Stored in every ledger row that was priced with it."""
    l4_second: Price
    """One L4 of Cloud Run without zonal redundancy."""
    vcpu_second: Price
    """One vCPU of a Cloud Run job."""
    gib_second: Price
    """One GiB of memory of a Cloud Run job."""
    egress_gib: Price
    """One GiB that is sent out of Google's network, to a hosted engine."""
    task_minimum: Rule
    """The least time that Cloud Run bills for an instance of a job."""
    task_step: Rule
    """Cloud Run rounds up to multiples of this."""
    of_engines: Mapping[str, Price] = field(default_factory=dict)
    """Prices of hosted engines from a price file, as `ENGINE_minute`; without one, the price of their spec."""

    def gpu_second(self, settings: Settings) -> float:
        """US dollars for a second of a GPU task in the deployment's shape."""
        return (
            self.l4_second.usd
            + settings.gpu_vcpus * self.vcpu_second.usd
            + settings.gpu_memory_gib * self.gib_second.usd
        )

    def cpu_second(self, settings: Settings) -> float:
        """US dollars for a second of a task of the job without a GPU, in the deployment's shape."""
        return settings.cpu_vcpus * self.vcpu_second.usd + settings.cpu_memory_gib * self.gib_second.usd

    def engine_second(self, engine: Engine, settings: Settings) -> float:
        """US dollars for a second of a worker with this engine; 0 for a hosted engine.

        On one machine all engines run on the owner's computer, its GPU included. In a project the CPU engine runs
        in the job without a GPU, or, if there is no such job, on the processor beside the GPU.
        """
        if is_hosted(engine):
            return 0.0
        if settings.platform == "local":
            return settings.cpu_usd_per_hour / 3600
        if spec(engine).own_pool and settings.has_cpu_job:
            return self.cpu_second(settings)
        return self.gpu_second(settings)

    def egress(self, sent_bytes: float, settings: Settings) -> float:
        """US dollars for sending this many bytes to a hosted engine; 0 on one machine."""
        return 0.0 if settings.platform == "local" else sent_bytes / 2**30 * self.egress_gib.usd

    def expected(
        self, engine: Engine, audio_seconds: float, settings: Settings, options: Options | None = None
    ) -> float:
        """US dollars that audio is expected to cost at a hosted engine, sending it included; 0 for our own."""
        sent = self.egress(audio_seconds * SENT_BYTES_A_SECOND, settings) if is_hosted(engine) else 0.0
        return self.hosted(engine, audio_seconds, options) + sent

    def task_seconds(self, seconds: float) -> float:
        """Seconds that Cloud Run bills for an instance that lived for `seconds`."""
        # A millionth of a step is the clock's noise, not another step.
        steps = math.ceil(round(seconds / self.task_step.seconds, 6))
        return max(self.task_minimum.seconds, round(steps * self.task_step.seconds, 9))

    def price(self, engine: Engine, what: str) -> Price | None:
        """The price of a hosted engine for `minute`, `minute_multilingual`, …; None if it has no such price."""
        hosted = spec(engine).hosted
        listed = hosted.prices.get(what) if hosted else None
        return self.of_engines.get(f"{engine}_{what}", listed)

    def hosted(
        self,
        engine: Engine,
        audio_seconds: float,
        options: Options | None = None,
        *,
        lowest: bool = False,
    ) -> float:
        """US dollars that a hosted engine charges for this much audio, surcharges of the options included.

        Where several prices are quoted, `lowest` takes the lowest, for what is saved; else the highest, for what is spent.
        """

        def usd(what: str, otherwise: float = 0.0) -> float:
            found = self.price(engine, what)
            return otherwise if found is None else found.low if lowest else found.usd

        minute = usd("minute")
        if options is not None:
            if (options.language or "").lower() in {"mul", "multi"}:
                minute = usd("minute_multilingual", otherwise=minute)
            minute += usd("minute_speakers") if options.diarize else 0.0
            minute += usd("minute_keyterms") if options.phrases else 0.0
        return audio_seconds / 60 * minute


def reference() -> EngineSpec:
    """The hosted engine that savings are measured against: the first one of the table."""
    return hosted_specs()[0]


_CLOUD_RUN = "cloud.google.com/run/pricing, us-central1, jobs"
TABLE = PriceTable(
    version="2026-11-20",
    l4_second=Price(
        usd=0.0001867, per="second", source=f"{_CLOUD_RUN}, L4 without zonal redundancy", date="2026-11-20"
    ),
    vcpu_second=Price(usd=0.000018, per="vCPU and second", source=_CLOUD_RUN, date="2026-11-20"),
    gib_second=Price(usd=0.000002, per="GiB and second", source=_CLOUD_RUN, date="2026-11-20"),
    egress_gib=Price(
        usd=0.12,
        per="GiB",
        source="cloud.google.com/vpc/network-pricing, premium tier, to the internet, the first TiB of a month",
        date="2026-11-20",
    ),
    task_minimum=Rule(seconds=60.0, source=f"{_CLOUD_RUN}, billable instance time", date="2026-11-20"),
    task_step=Rule(seconds=0.1, source=f"{_CLOUD_RUN}, billable instance time", date="2026-11-20"),
)
"""The list prices, as they were quoted on their dates; those of hosted engines are in `shared/engines.py`.

No invoice has been compared with them yet (`dropscribe cost reconcile` does). Not in them: other regions than us-central1,
contracts, credits and free tiers, taxes, and what has changed since.
"""


def total(rows: Iterable[LedgerRow]) -> float:
    """US dollars of all rows, wasted attempts included."""
    return math.fsum(row.usd for row in rows)
