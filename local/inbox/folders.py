"""Which folders are the inbox and the way out of `dropscribe up`, remembered with the state.

Recordings are known by bucket and name. If `transcribe` took the inbox to be another folder than `up` does,
it would look for `up`'s files in the wrong place.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from shared.ports import Records
    from shared.settings import Settings

COLLECTION, KEY = "local", "folders"


def choose(settings: Settings, records: Records) -> tuple[Path, Path]:
    """Inbox and way out: as set, else as remembered, else below the state directory."""
    known = records.get(COLLECTION, KEY) or {}
    default = settings.state_dir / "buckets" / "audio", settings.state_dir / "transcripts"
    inbox = settings.inbox or Path(known.get("inbox", default[0]))
    out = settings.transcripts or Path(known.get("out", default[1]))
    return inbox, out


def remember(inbox: Path, out: Path, records: Records) -> None:
    """Keep them for every other command on this state.

    Raises:
        ConfigurationError: one lies in the other, so that transcripts would be taken for uploads.
    """
    one, other = inbox.resolve(), out.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ConfigurationError(
            f"The inbox {inbox} and the folder for transcripts {out} lie in one another: transcripts would be "
            "taken for uploads. Choose folders side by side with --inbox and --out."
        )
    fields = {"inbox": str(inbox), "out": str(out)}
    if not records.create(COLLECTION, KEY, fields):
        records.update(COLLECTION, KEY, lambda _: fields)
