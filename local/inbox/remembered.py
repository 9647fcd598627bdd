"""Folders and options of the inbox of `dropscribe up`, remembered with the state.

Recordings are known by bucket and name. If `transcribe` took the inbox to be another folder than `up` does,
it would look for `up`'s files in the wrong place. Options are part of the key of a recording. Other options for
`up` apply to new files only: files that were transcribed with earlier options are not transcribed again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError
from shared.messages import from_fields, to_fields
from shared.model import Options

if TYPE_CHECKING:
    from shared.ports import Fields, Records
    from shared.settings import Settings

COLLECTION = "local"
FOLDERS, OPTIONS = "folders", "wishes"
"""Keys of the documents."""


def folders(settings: Settings, records: Records) -> tuple[Path, Path]:
    """The inbox and the folder for transcripts: as set, else as remembered, else below the state directory."""
    known = records.get(COLLECTION, FOLDERS) or {}
    default = settings.state_dir / "buckets" / "audio", settings.state_dir / "transcripts"
    inbox = settings.inbox or Path(known.get("inbox", default[0]))
    out = settings.transcripts or Path(known.get("out", default[1]))
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
    _keep(FOLDERS, {"inbox": str(inbox), "out": str(out)}, records)


def remember_options(options: Options, records: Records) -> tuple[Options, ...]:
    """Remember them; gives all that were ever remembered and the defaults, without their labels.

    Raises:
        Transient: the records did not answer.
    """
    known = (records.get(COLLECTION, OPTIONS) or {}).get("ever", [])
    before = [from_fields(one, Options) for one in known]
    ever = dict.fromkeys([Options(), *before, replace(options, label=None)])
    _keep(OPTIONS, {"ever": [to_fields(one) for one in ever]}, records)
    return tuple(ever)


def _keep(key: str, fields: Fields, records: Records) -> None:
    if not records.create(COLLECTION, key, fields):
        records.update(COLLECTION, key, lambda _: fields)
