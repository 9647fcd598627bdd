"""Folders and options of the inbox of `dropscribe up`, remembered with the state.

Recordings are known by bucket and name. If `transcribe` took the inbox to be another folder than `up` does,
it would look for `up`'s files in the wrong place. Options are part of the key of a recording. Other options for
`up` apply to new files only: files that were transcribed with earlier options are not transcribed again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError
from shared.messages import from_fields
from shared.model import Options
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Records
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """The document of the folders."""

    inbox: str | None = None
    """The inbox; None before the first `up`."""
    out: str | None = None
    """The folder for transcripts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ever:
    """The document of the options."""

    ever: tuple[Options, ...] = ()
    """All that `up` ever had, without their labels."""


COLLECTION = "local"
FOLDERS, OPTIONS = "folders", "wishes"
"""Keys of the documents."""


def folders(settings: Settings, records: Records) -> tuple[Path, Path]:
    """The inbox and the folder for transcripts: as set, else as remembered, else below the state directory."""
    known = from_fields(records.get(COLLECTION, FOLDERS) or {}, Folders)
    default = settings.state_dir / "buckets" / "audio", settings.state_dir / "transcripts"
    inbox = settings.inbox or Path(known.inbox or default[0])
    out = settings.transcripts or Path(known.out or default[1])
    return inbox, out


def remember_folders(inbox: Path, out: Path, records: Records) -> None:
    """Remember them for all other commands on this state.

    Raises:
        ConfigurationError: one contains the other, so transcripts would be taken for uploads.
    """
    one, other = inbox.resolve(), out.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ConfigurationError(
            f"One of the inbox {inbox} and the transcripts folder {out} contains the other: transcripts would be "
            "taken for uploads. Choose folders side by side with --inbox and --out."
        )
    _keep(FOLDERS, Folders(inbox=str(inbox), out=str(out)), records)


def remember_options(options: Options, records: Records) -> tuple[Options, ...]:
    """Remember them; gives all that were ever remembered and the defaults, without their labels.

    Raises:
        Transient: the records did not answer.
    """
    before = from_fields(records.get(COLLECTION, OPTIONS) or {}, Ever).ever
    ever = tuple(dict.fromkeys([Options(), *before, replace(options, label=None)]))
    _keep(OPTIONS, Ever(ever=ever), records)
    return ever


def _keep(key: str, record: Folders | Ever, records: Records) -> None:
    documents.change(COLLECTION, key, type(record), lambda _: record, records, first=record)
