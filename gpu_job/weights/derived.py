"""What is made once from weights that are here: other forms of them, kept beside them.

A form appears whole or not at all, also if several processes make it at the same time. It is named by what it is and by the revision of
the weights, so that other weights in the same folder never get it. There are no published digests of what is made here: they
are noted in the user's cache when it is made, and a form that is not as it was made, or that another program put there, is
made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs

from gpu_job.weights import digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gpu_job.weights.located import Located


def derived(located: Located, form: str, make: Callable[[Path], object]) -> Path:
    """The folder of a form of some weights, as it was made; made if it is not there yet, or is another one now.

    It is beside the weights, or in the user's cache where nothing can be written there. `make` fills an empty folder.

    Raises:
        OSError: it cannot be written, or nothing can be noted in the user's cache.
    """
    name = f"{form}-{located.revision.replace(':', '-')}"
    places = [place / name for place in (located.path, _cache() / "weights")]
    with _alone(name):
        for place in places:
            if _is_as_made(place):
                return place
        for place in places if os.access(located.path, os.W_OK) else places[1:]:
            # What has the name was made by another program, or was changed since.
            shutil.rmtree(place, ignore_errors=True)
            if not os.path.lexists(place):
                _make(place, make)
                return place
    raise OSError(f"{places[-1]} could not be made.")


@contextlib.contextmanager
def copies(folder: Path, names: Iterable[str], room: Path) -> Iterator[Path]:
    """A folder with copies of files whose names begin so, until the block ends.

    For programs that refuse links, as the hub's client keeps weights, or write beside what they read.

    Raises:
        OSError: there is none, or one cannot be read.
    """
    with tempfile.TemporaryDirectory(dir=room) as place:
        for file in folder.iterdir():
            if file.is_file() and file.name.startswith(tuple(names)):
                shutil.copyfile(file, Path(place, file.name))
        yield Path(place)


def _make(target: Path, make: Callable[[Path], object]) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What killed processes of this account left, each of it gigabytes: none of them makes it now, see `_alone`.
    for left in target.parent.glob(f".{target.name}-*"):
        if left.lstat().st_uid == os.geteuid():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        made = Path(beside, "made")
        made.mkdir()
        make(made)
        for file in made.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        note = msgspec.json.encode(_digests(made))
        _note(target).write_bytes(note)
        made.rename(target)


def _is_as_made(place: Path) -> bool:
    """Whether a form is there with the very files that were made; each is read for that once, see `digests.py`."""
    try:
        return place.is_dir() and msgspec.json.decode(_note(place).read_bytes()) == _digests(place)
    except (OSError, msgspec.DecodeError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of everything in a folder, by name.

    Raises:
        OSError: one is no file, or cannot be read.
    """
    return {file.name: digests.sha256(file) for file in folder.iterdir()}


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time looks for a form, or makes it: the others wait, and then find it."""
    folder = _cache() / "derived"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _note(place: Path) -> Path:
    """Where the digests of a form are noted."""
    key = hashlib.sha256(os.fsencode(place.absolute())).hexdigest()[:16]
    return _cache() / "derived" / f"{place.name}-{key}.json"


def _cache() -> Path:
    return Path(platformdirs.user_cache_dir("dropscribe"))
