"""What things cost: one table, versioned, with source and date of each price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
class PriceTable:
    """All prices of one version."""

    version: str
    """Stands in every ledger row that was priced with it."""
    deepgram_minute: Price
    """Deepgram nova-3, pre-recorded, pay as you go."""


TABLE = PriceTable(
    version="2026-11-20",
    deepgram_minute=Price(
        usd=0.0043,
        per="minute of audio",
        source="Deepgram's price list, nova-3, pre-recorded (0.0077 is quoted as well)",
        date="2026-11-20",
    ),
)


def cpu_cost(busy_seconds: float, settings: Settings) -> float:
    """US dollars for the time this computer was busy, at the price its owner gave (default 0)."""
    return busy_seconds / 3600 * settings.cpu_usd_per_hour


def deepgram_cost(audio_seconds: float) -> float:
    """US dollars that Deepgram would ask for this much audio."""
    return audio_seconds / 60 * TABLE.deepgram_minute.usd


def total(rows: Iterable[LedgerRow]) -> float:
    """US dollars of all rows, wasted attempts included."""
    return sum(row.usd for row in rows)
