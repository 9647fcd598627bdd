"""What `dropscribe up` was started with, remembered with the state, and the uploads of older versions.

Recordings are known by bucket and name. If `transcribe` took the inbox to be another folder than `up` does,
it would look for `up`'s files in the wrong place. And if it plans one of them, because `up` was stopped before it did,
that file gets the method and the weights of `up`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from local.backend.files.presence import Expected, mount_of
from shared.errors import ConfigurationError
from shared.state import documents, uploads

if TYPE_CHECKING:
    from shared.ports import Records
    from shared.settings import Settings


Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """The document of the folders."""

    inbox: str | None = None
    """The inbox; None before the first `up`."""
    out: str | None = None
    """The folder for transcripts."""
    mount: str | None = None
    """Where the drive is mounted that the inbox was on; None in documents of older versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """The document of what applies to a file of the inbox that asks for nothing else."""

    method: str = ""
    """How to transcribe; empty before the first `up`."""
    model: str = ""
    """Weights of our engines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted:
    """The document about the uploads of older versions."""

    adopted: bool = False
    """True once their options are fixed."""


COLLECTION = "local"
FOLDERS, DEFAULTS, ADOPTED = "folders", "defaults", "adopted"
"""Keys of the documents."""


def folders(settings: Settings, records: Records) -> tuple[Path, Path]:
    """The inbox and the folder for transcripts: as set, else as remembered, else below the state directory."""
    known = _known(FOLDERS, Folders(), records)
    default = settings.state_dir / "buckets" / "audio", settings.state_dir / "transcripts"
    inbox = settings.inbox or Path(known.inbox or default[0])
    out = settings.transcripts or Path(known.out or default[1])
    return inbox, out


def is_inbox(folder: Path, records: Records) -> bool:
    """Whether a folder is the inbox of the last `up`."""
    return _known(FOLDERS, Folders(), records).inbox == str(folder)


def mount(records: Records) -> Path | None:
    """Where the drive is mounted that the inbox of the last `up` was on; None if unknown."""
    known = _known(FOLDERS, Folders(), records).mount
    return None if known is None else Path(known)


def remember_folders(inbox: Path, out: Path, records: Records) -> None:
    """Remember them for all other commands on this state; an inbox that is new is made where it is missing.

    Raises:
        ConfigurationError: one contains the other, so transcripts would be taken for uploads.
    """
    one, other = inbox.resolve(), out.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ConfigurationError(
            f"The inbox {inbox} and the transcripts folder {out} overlap: transcripts would be "
            "taken for uploads. Choose folders side by side with --inbox and --out."
        )
    known = is_inbox(inbox, records)
    on = mount(records) if known else None
    if known and Expected(folder=inbox.absolute(), mount=on).absence():
        # Its drive may come back.
        found = on
    else:
        inbox.mkdir(parents=True, exist_ok=True)
        found = mount_of(inbox)
    _keep(
        FOLDERS,
        Folders(inbox=str(inbox), out=str(out), mount=None if found is None else str(found)),
        records,
    )


def remember_defaults(settings: Settings, records: Records) -> None:
    """Remember the method and the weights of `up`, for commands that plan its files while it is stopped."""
    _keep(DEFAULTS, Defaults(method=settings.method, model=settings.model), records)


def as_up(settings: Settings, records: Records) -> Settings:
    """The settings with the method and the weights of the last `up`, if there was one."""
    known = _known(DEFAULTS, Defaults(), records)
    if known == Defaults():
        return settings
    return replace(settings, method=known.method or settings.method, model=known.model or settings.model)


def adopt_uploads(inbox: str, records: Records) -> None:
    """Fix the options of all files that an older version has taken, once: it stored their recordings alone.

    Without that, other options of `up` would apply to files that were transcribed long ago.

    Raises:
        Transient: the records did not answer; the next start goes on.
    """
    if _known(ADOPTED, Adopted(), records).adopted:
        return
    for one in documents.recordings(records):
        if one.source.bucket == inbox:
            uploads.adopt(one, records)
    _keep(ADOPTED, Adopted(adopted=True), records)


def _known(key: str, first: Record, records: Records) -> Record:
    return documents.mark(COLLECTION, key, type(first), records) or first


def _keep(key: str, record: Folders | Defaults | Adopted, records: Records) -> None:
    documents.change(COLLECTION, key, type(record), lambda _: record, records, first=record)
