"""`dropscribe cost`: what everything has cost, from the rows of the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from local.report import dollars
from shared.flow import documents
from shared.flow.route import human_duration
from shared.messages import from_fields
from shared.prices import TABLE, deepgram_cost, total
from shared.results import LedgerRow

if TYPE_CHECKING:
    from local.platform import LocalPorts


def run(ports: LocalPorts, *, as_json: bool) -> None:
    """Print sums over all recordings."""
    rows = [from_fields(fields, LedgerRow) for _, fields in ports.records.query(documents.LEDGER)]
    done = [one for one in documents.recordings(ports.records) if one.state == "DONE"]
    audio = sum(one.duration or 0.0 for one in done)
    busy = sum(row.busy_seconds for row in rows)
    usd, deepgram = total(rows), deepgram_cost(audio)
    if as_json:
        report = {
            "recordings": len(done),
            "audio_hours": round(audio / 3600, 6),
            "attempts": len(rows),
            "busy_hours": round(busy / 3600, 6),
            "usd": round(usd, 6),
            "usd_per_audio_hour": round(usd / (audio / 3600), 6) if audio else None,
            "deepgram_usd": round(deepgram, 6),
            "prices": TABLE.version,
            "cpu_usd_per_hour": ports.settings.cpu_usd_per_hour,
        }
        print(json.dumps(report, indent=2))  # noqa: T201 - output
        return
    shown = Table(show_header=False, pad_edge=False)
    shown.add_column(justify="left")
    shown.add_column(justify="right")
    shown.add_row("recordings transcribed", str(len(done)))
    shown.add_row("audio", human_duration(audio))
    shown.add_row("this computer was busy", human_duration(busy))
    shown.add_row("cost", dollars(usd))
    shown.add_row("Deepgram would have asked", dollars(deepgram))
    console = Console()
    console.print(shown)
    price = TABLE.deepgram_minute
    console.print(f"Deepgram: ${price.usd} a {price.per} ({price.source}; {price.date}).", highlight=False)
    if ports.settings.cpu_usd_per_hour == 0:
        console.print(
            "Your own computer counts as free. If an hour of it costs you something, "
            "set DROPSCRIBE_CPU_USD_PER_HOUR and new work is priced with it.",
            highlight=False,
        )
