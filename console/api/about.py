"""`GET /about`: what the deployment is and what it can do."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from console.api.types import About, EngineInfo, FormatRow
from shared.engines import ENGINES, is_hosted
from shared.formats import FILES
from shared.messages import options_schema
from shared.state import documents

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.ports import Ports

LOOKED_AT = 200
"""Newest recordings whose labels are offered."""


def about(_: Request, ports: Ports) -> About:
    """`GET /about`."""
    settings, here = ports.settings, ports.settings.platform == "local"
    newest = ports.records.newest(documents.RECORDINGS, "created", LOOKED_AT)
    most = settings.max_file_gb
    return About(
        version=version("dropscribe"),
        platform=settings.platform,
        engines=[
            EngineInfo(name=name, label=ENGINES[name].in_sentences, hosted=is_hosted(name))
            for name in sorted(ports.engines)
        ],
        method=settings.method,
        model=settings.model,
        formats=[
            FormatRow(
                name=one.name, label=one.name, suffix=one.name.partition(".")[2], media_type=one.content_type
            )
            for one in FILES
        ],
        options=options_schema(),
        can_upload=True,
        largest_upload=None if most is None else round(most * 1e9),
        inbox=str(settings.inbox or "") if here else f"gs://{settings.audio_bucket}",
        labels=sorted({str(fields.get("label")) for _, fields in newest if fields.get("label")}),
    )


def health(*_: object) -> dict[str, str]:
    """`GET /health`: answers without secrets, and without a token."""
    return {"status": "ok", "version": version("dropscribe")}
