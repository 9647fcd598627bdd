"""`dropscribe cost`: what everything has cost, from the rows of the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from local.report import dollars
from shared.flow import documents
from shared.flow.route import human_duration
from shared.prices import TABLE, deepgram_cost

if TYPE_CHECKING:
    from shared.ports import Ports


def run(ports: Ports, *, as_json: bool) -> None:
    """Print sums over all recordings, which the records themselves sum up.

    Args:
        ports: the deployment, this machine's or a project's.
        as_json: print JSON on standard output.
    """
    done = ports.records.count(documents.RECORDINGS, {"state": "DONE"})
    # Only what is DONE has a length.
    audio = ports.records.sum(documents.RECORDINGS, "duration")
    attempts = ports.records.count(documents.LEDGER)
    busy = ports.records.sum(documents.LEDGER, "busy_seconds")
    usd, deepgram = ports.records.sum(documents.LEDGER, "usd"), deepgram_cost(audio)
    if as_json:
        report = {
            "recordings": done,
            "audio_hours": round(audio / 3600, 6),
            "attempts": attempts,
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
    shown.add_row("recordings transcribed", str(done))
    shown.add_row("audio", human_duration(audio))
    local = ports.settings.platform == "local"
    shown.add_row("this computer was busy" if local else "engines were busy", human_duration(busy))
    shown.add_row("cost", dollars(usd))
    shown.add_row("Deepgram would have asked", dollars(deepgram))
    console = Console()
    console.print(shown)
    price = TABLE.deepgram_minute
    console.print(f"Deepgram: ${price.usd} a {price.per} ({price.source}; {price.date}).", highlight=False)
    if local and ports.settings.cpu_usd_per_hour == 0:
        console.print(
            "Your own computer counts as free. If an hour of it costs you something, "
            "set DROPSCRIBE_CPU_USD_PER_HOUR and new work is priced with it.",
            highlight=False,
        )
