"""Download a release from the model hub: resumed where an earlier try broke off, checked against its digests.

The hub's own client (from 2.0) writes to a file of a new name each time, deletes it if the download breaks off, and
never computes a digest: a connection that breaks at 2.4 of 2.5 GB costs all of them. So the bytes are fetched here, into the
folders of that client's cache, where the client and everything built on it find them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import httpx
from huggingface_hub import constants, get_token, hf_hub_url

from gpu_job.weights import digests
from shared.errors import ModelUnavailable
from shared.in_words import human_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gpu_job.weights.catalogue import File, Release

    Progress = Callable[[str, int, int], None]
    """Told the name of a file, how many bytes of it are here, and how many it has."""

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for the hub's first answer."""
STALL = 30.0
"""Seconds without a byte after which a connection counts as broken."""
TRIES = 5
"""Connections in a row without a single byte after which a download gives up."""
BACK_OFF = 1.0
"""Seconds before the second try; twice as long each time."""


class Named(Protocol):
    """Whose release is fetched, for messages."""

    @property
    def name(self) -> str:
        """What a person writes after `dropscribe models pull`."""

    def pulled(self, release: Release) -> int:
        """Bytes of all that is fetched with a release."""

    def otherwise(self, release: Release) -> str:
        """What to do without a release, for the end of a sentence."""


class _BrokenOffError(Exception):
    """A connection ended early, or could not be made."""


def download(weights: Named, release: Release, progress: Progress | None = None) -> Path:
    """Fetch what is missing of a release, resuming what an earlier try left.

    Returns:
        `release.path`, complete, every file checked by SHA-256.

    Raises:
        ModelUnavailable: the hub was not reached, the disk is full, or what arrived is not what was pinned.
    """
    assert release.repository is not None, "bundled weights are not downloaded"
    folder = release.folder
    missing = [file for file in release.files if _size(folder / file.name) != file.size]
    parts = {file.name: _part(folder, file) for file in missing}
    if constants.HF_HUB_OFFLINE:
        _fail(weights, release, "HF_HUB_OFFLINE is set, which forbids the download; unset it", None)
    headers = {"Accept-Encoding": "identity"}  # a range of a compressed body is of no use
    if (token := get_token()) is not None:
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx.Timeout(STALL, connect=CONNECT_TIMEOUT)
    reached = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_free_space(weights, missing, parts)
        with httpx.Client(headers=headers, timeout=timeout, follow_redirects=True) as client:
            for file in missing:
                url = hf_hub_url(release.repository, file.name, revision=release.commit)
                with _locked(folder, file):
                    if _size(folder / file.name) != file.size:
                        _fetch(client, url, file, parts[file.name], progress)
                        parts[file.name].replace(folder / file.name)
                        digests.remember(folder / file.name, file.sha256)
                reached = True
    except _BrokenOffError as error:
        reached = reached or any(map(_size, parts.values()))
        happened = (
            "their download broke off" if reached else f"the model hub ({constants.ENDPOINT}) was not reached"
        )
        _fail(weights, release, f"{happened}: {error}", error)
    except (httpx.HTTPError, OSError) as error:
        _fail(weights, release, f"their download failed: {_line(error)}", error)
    return release.path


def _fetch(client: httpx.Client, url: str, file: File, part: Path, progress: Progress | None) -> None:
    """Fetch one file into its part, over as many connections as it takes, and check it."""
    part.parent.mkdir(parents=True, exist_ok=True)
    fruitless, connected = 0, False
    while True:
        before = _size(part)
        if before >= file.size:
            break
        try:
            _stream(client, url, file, part, progress)
        except (httpx.TransportError, _BrokenOffError) as error:
            came = _size(part) > before
            connected = connected or came
            fruitless = 0 if came else fruitless + 1
            never = not connected and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if fruitless >= TRIES or never:  # without a network, fail at once
                raise _BrokenOffError(_line(error)) from error
            time.sleep(BACK_OFF * 2 ** max(0, fruitless - 1))
    with part.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if part.stat().st_size != file.size or found != file.sha256:
        part.unlink()
        raise OSError(
            f"{file.name} arrived with the SHA-256 {found}, where {file.sha256} was pinned; it was deleted. "
            "Something between here and the hub changes files, or the hub's copy is not the pinned one"
        )


def _stream(client: httpx.Client, url: str, file: File, part: Path, progress: Progress | None) -> None:
    """One connection: continue where the part ends."""
    with part.open("ab") as target:
        done = target.tell()
        headers = {"Range": f"bytes={done}-"} if done else {}
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code in {408, 429} or response.status_code >= 500:
                raise _BrokenOffError(f"the hub answered {response.status_code}")
            response.raise_for_status()
            if done and response.status_code != httpx.codes.PARTIAL_CONTENT:
                target.truncate(done := 0)
            for (
                block
            ) in response.iter_raw():  # as it comes: what is buffered is lost if the connection breaks
                target.write(block)
                done += len(block)
                if progress is not None:
                    progress(file.name, done, file.size)
        if done < file.size:
            raise _BrokenOffError(f"the connection ended after {done} of {file.size} bytes of {file.name}")


def _part(folder: Path, file: File) -> Path:
    """Where the bytes of a file are collected; the name is that of the content, whatever release it is in."""
    return folder.parent.parent / "blobs" / f"{file.sha256}.incomplete"


@contextlib.contextmanager
def _locked(folder: Path, file: File) -> Iterator[None]:
    """Let one process at a time write to a part; the others wait, and then find the file there."""
    locks = Path(constants.HF_HUB_CACHE) / ".locks" / folder.parent.parent.name
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{file.sha256}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _size(path: Path) -> int:
    """Bytes of a file; 0 if there is none: another download may have just moved it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_free_space(weights: Named, missing: list[File], parts: dict[str, Path]) -> None:
    here = sum(map(_size, parts.values()))
    needed = sum(file.size for file in missing) - here
    free = shutil.disk_usage(constants.HF_HUB_CACHE).free
    if needed > free:
        raise ModelUnavailable(
            f"The weights {weights.name} need {human_size(needed)} more in {constants.HF_HUB_CACHE}, where "
            f"{human_size(free)} are free. Make room, or set HF_HOME to a folder on a larger disk."
        )


def _fail(weights: Named, release: Release, happened: str, error: Exception | None) -> NoReturn:
    raise ModelUnavailable(
        f"The weights {weights.name} are not on this machine, and {happened.rstrip('.')}. "
        f"Connect and run `dropscribe models pull {weights.name}"
        f"{' --nemo' if release.kind == 'nemo' else ''}` ({human_size(weights.pulled(release))} once, kept in "
        f"{constants.HF_HUB_CACHE}; it resumes where it broke off); or set HF_HOME to a cache that has them; "
        f"{weights.otherwise(release)}."
    ) from error


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
