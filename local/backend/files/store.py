"""Store over folders: a bucket is a folder, an object is a file.

Names that are legal file names stay as they are, others are escaped (`local/backend/files/names.py`), so no name leads
out of its folder. Symbolic links are followed where only the owner of a folder can create one, or a person asked for it.
Elsewhere, as in an inbox, a link is no object: a user who can put files there would choose what is read.
Listing follows links to files but not to folders, which could lead in a circle.
"""

from __future__ import annotations

import contextlib
import errno
import mimetypes
import os
import stat as stat_module
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from local.backend.files import disk_errors, names, staged
from local.backend.files.atomic_write import remove_empty, unlink, write_all
from local.backend.files.beneath import LinkError, has_link, open_below
from local.backend.files.fd_cache import FdCache
from local.backend.files.permissions import PRIVATE, Permissions
from local.backend.files.presence import OF_INBOX, Expected
from shared.errors import BadMedia, BadRequest, BucketRefused, Permanent, StoreUnavailable
from shared.machine.regular_files import open_regular
from shared.model import StoredObject
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

__all__ = ["FileStore", "Permissions"]

LATEST = 253_402_214_400_000_000
"""The last day of the year 9999, in microseconds since 1970."""


class FileStore:
    """Objects in folders; safe to use from several threads and processes.

    Implements `shared.ports.Store`: `StoreUnavailable` says that the disk is full or did not answer. Whatever writes raises
    `ConfigurationError` where the folder may not be written to. The generation of an object is its file's time of change in
    microseconds, so replacing a file gives a new generation.

    Args:
        buckets: the folder of each bucket. A bucket whose folder is `/` takes files where they lie:
            the name of an object is its absolute path without the leading slash.
        without_links: the buckets in which links are not followed.
    """

    def __init__(self, buckets: Mapping[str, Path], *, without_links: Collection[str] = ()) -> None:
        self._folders = {bucket: folder.absolute() for bucket, folder in buckets.items()}
        self._without_links = frozenset(without_links)
        self._descriptors = FdCache()
        self._unnamed: set[str] = set()
        self._expected: dict[str, Expected] = {}

    def expect(self, bucket: str, mount: Path | None) -> None:
        """From now on the folder of a bucket has to be there: it is not made, and while it is away no file is gone.

        `mount` is where the drive is mounted that the folder was on; None if unknown.
        """
        self._expected[bucket] = Expected(folder=self.folder_of(bucket), mount=mount)

    def absence(self, bucket: str) -> str:
        """Why a folder that is expected is not there, and what to do; empty if it is there, or not expected."""
        expected = self._expected.get(bucket)
        return "" if expected is None else expected.absence()

    def away(self, source: StoredObject) -> str:
        """Why it cannot be said whether an object is gone, and what to do; empty if it can.

        The folder of its bucket is not there, or it was found in another inbox than this one.
        """
        if why := self.absence(source.bucket):
            return why
        found_in = source.metadata.get(OF_INBOX, "")
        if source.bucket not in self._expected or found_in in {"", str(self.folder_of(source.bucket))}:
            return ""
        with contextlib.suppress(OSError):
            if _is_generation(self._stat(source.bucket, self.path_of(source.bucket, source.name)), source):
                return ""
        return (
            f"The inbox {found_in} is not there: `dropscribe up` watches {self.folder_of(source.bucket)} now. "
            f"{source.name} goes on with `dropscribe up --inbox {found_in}`, or ends with `dropscribe cancel`."
        )

    def stat(self, bucket: str, name: str) -> StoredObject | None:
        """The live generation of an object, or None where there is no such object.

        Raises:
            BadMedia: code `missing`, where the file cannot be looked at.
            StoreUnavailable: the folder of the bucket is expected, and not there.
        """
        return self._object(bucket, name, self.path_of(bucket, name))

    def read(self, source: StoredObject, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end of the object.

        Raises:
            BadMedia: code `missing`, where this generation is gone (deleted, replaced, or changed while
                it was being read), or may not be read.
            StoreUnavailable: the disk did not answer, or the inbox of this object is not there.
        """
        try:
            return self._read(source, start, length)
        except BadMedia as error:
            if why := self.away(source):
                raise StoreUnavailable(why) from error
            raise

    def _read(self, source: StoredObject, start: int, length: int) -> bytes:
        path = self.path_of(source.bucket, source.name)
        try:
            now = self._stat(source.bucket, path)
            if not _is_generation(now, source):
                raise disk_errors.changed(source, same_time=_generation(now) == source.generation)
            opener = partial(self._open, source.bucket, path)
            with self._descriptors.open(path, source.generation, opener) as handle:
                data = _read_range(handle, start, length)
                after = os.fstat(handle)
                if after.st_ino != now.st_ino or not _is_generation(after, source):
                    same = _generation(after) == source.generation
                    raise disk_errors.changed(source, same_time=same)
        except OSError as error:
            watched = source.bucket in self._expected
            raise disk_errors.unreadable(source.shown_name, error, watched=watched) from error
        return data

    def create(self, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        """Write an object that does not exist yet; False, and nothing written, where it does.

        The object appears whole or not at all, and is durable when this returns.

        Raises:
            Permanent: a file stands where the name needs a folder, or the other way round.
        """
        return bool(self.create_all(bucket, {name: (data, content_type)}))

    def create_all(self, bucket: str, objects: Mapping[str, tuple[bytes, str]]) -> set[str]:
        """Write those of some objects that do not exist yet, and give their names; as `create`, but together.

        Raises: as `create`; then some of them may have been written.
        """
        # Files have no content type; `stat` guesses it.
        paths = {self.path_of(bucket, name): (name, data) for name, (data, _) in objects.items()}
        created = set()
        for folder in {path.parent for path in paths}:
            files = {path.name: data for path, (_, data) in paths.items() if path.parent == folder}
            try:
                written = write_all(folder, files)
                for name in files.keys() - written:
                    if not (folder / name).is_file():
                        raise Permanent(
                            f"{folder / name} cannot be written: there is a folder or something else of that name. "
                            "Move it away."
                        )
            except OSError as error:
                raise disk_errors.unwritable(folder / min(files), error) from error
            created |= {paths[folder / name][0] for name in written}
        return created

    def stage(self, bucket: str) -> BinaryIO:
        """A new hidden file beside those of a bucket, for `create_from`; gone once it is closed."""
        folder = self.folder_of(bucket)
        if why := self.absence(bucket):
            raise StoreUnavailable(why)
        try:
            return staged.open_in(folder)
        except OSError as error:
            raise disk_errors.unwritable(folder, error) from error

    def create_from(
        self,
        bucket: str,
        name: str,
        file: BinaryIO,
        *,
        metadata: Mapping[str, str],
        ahead: Callable[[StoredObject], object],
    ) -> StoredObject | None:
        """Give a staged file its name; None, with nothing written, if another one has that name.

        Files have none of their own, so `ahead` is called with them before the file is there.

        Raises:
            Permanent: a file stands where the name needs a folder, or a part of its path is a link.
        """
        path, root = self.path_of(bucket, name), self.folder_of(bucket)
        try:
            found = staged.settle(file)
            source = self._found(bucket, name, found)
            if ahead(replace(source, metadata={**metadata, **source.metadata})) is False:
                return None
            return source if staged.name_it(file, root, path.relative_to(root)) else None
        except LinkError as error:
            raise Permanent(
                f"{error.filename} is a link, and nothing is written through it. Remove it."
            ) from error
        except OSError as error:
            raise disk_errors.unwritable(path, error) from error

    def delete(self, bucket: str, name: str, generation: int) -> bool:
        """Delete one generation of an object; False, and nothing deleted, where it is not the live one.

        A program that replaces the file in the instant between the look and the deletion loses what it wrote.
        """
        path = self.path_of(bucket, name)
        try:
            found = self._stat(bucket, path)
            if not stat_module.S_ISREG(found.st_mode) or _generation(found) != generation:
                return False
            unlink(path)
        except OSError as error:
            if error.errno in disk_errors.NO_FILE:
                return False
            raise disk_errors.unwritable(path, error) from error
        return True

    def load(self, bucket: str, name: str) -> bytes | None:
        """The whole content of a small object, or None where there is no such object.

        Raises:
            BadMedia: code `missing`, where the file may not be read.
        """
        path = self.path_of(bucket, name)
        try:
            with os.fdopen(self._open(bucket, path), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise disk_errors.unreadable(name, error) from error

    def remove_empty(self, bucket: str, prefix: str) -> None:
        """Remove what is left of objects that are gone: folders without a file, and files that killed writers left.

        The prefix is the name of one, or the beginning of the names of several; empty: all of them.
        """
        root = self.folder_of(bucket)
        folder = (root / names.to_path(prefix)).parent
        if not prefix:
            remove_empty(root)
        elif folder != root:
            remove_empty(folder, root)

    def signed_url(self, source: StoredObject, seconds: float) -> str | None:  # noqa: ARG002 - the port's signature
        """None: these folders cannot be reached from outside."""
        return None

    def upload_url(self, bucket: str, name: str, **_: object) -> None:
        """None: what this process receives goes to its own disk."""

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """The live objects whose name starts with `prefix`, in order of their names."""
        root = self.folder_of(bucket)
        inside = prefix.rpartition("/")[0]
        start = root / names.to_path(inside) if inside else root
        found = []
        for path in self._files(start):
            name = self.name_of(bucket, path)
            if name is not None and name.startswith(prefix):
                found.append((name, path))
        # Escaping and folders change the order of paths, so the names are sorted themselves.
        for name, path in sorted(found):
            try:
                source = self._object(bucket, name, path)
            except BadMedia as error:
                log.warning("%s", error)
                continue
            if source is not None:
                yield source

    def path_of(self, bucket: str, name: str) -> Path:
        """The file of an object, whether it exists or not.

        Raises:
            BadRequest: the name is not a legal name of an object.
            BucketRefused: there is no such bucket.
        """
        try:
            length = len(name.encode())
        except UnicodeEncodeError as error:
            raise BadRequest(f"{name!a} is not a legal name: it is not Unicode text") from error
        if not 1 <= length <= 1024:
            raise BadRequest(f"a name needs 1 to 1024 bytes, this one has {length}: {name[:80]}")
        return self.folder_of(bucket) / names.to_path(name)

    def name_of(self, bucket: str, path: Path) -> str | None:
        """The name of the object in a file of the bucket's folder, or None where it has none.

        None for files that are being written, the folder itself, files outside it, and, with one warning, for
        files whose name cannot be that of an object.
        """
        try:
            inside = path.relative_to(self.folder_of(bucket))
        except ValueError:
            return None
        relative = inside.as_posix()
        if not inside.name or inside.name.startswith(names.TEMPORARY):
            return None
        name = names.to_name(relative)
        if name is None or len(name.encode()) > 1024:
            if relative not in self._unnamed:
                self._unnamed.add(relative)
                log.warning(
                    "%a is skipped: its name is too long, or starts with %%=, %%+ or %%!, which Dropscribe "
                    "uses for names that a file system cannot hold. Rename it.",
                    relative,
                )
            return None
        return name

    def leads_away(self, bucket: str, path: Path) -> bool:
        """Whether a file of the bucket's folder is no object because a part of its path is a link."""
        return bucket in self._without_links and has_link(
            self.folder_of(bucket), path.relative_to(self.folder_of(bucket))
        )

    def permissions(self, source: StoredObject) -> Permissions:
        """What others may do with an object; nothing if it cannot be looked at any more."""
        try:
            path = self.path_of(source.bucket, source.name)
            return Permissions.of(self._stat(source.bucket, path))
        except (OSError, Permanent):
            return PRIVATE

    def close(self) -> None:
        """Close the files that were kept open for the next read."""
        self._descriptors.close()

    def folder_of(self, bucket: str) -> Path:
        """The folder of a bucket.

        Raises:
            BucketRefused: there is no such bucket.
        """
        folder = self._folders.get(bucket)
        if folder is None:
            raise BucketRefused(
                f"There is no bucket {bucket}. Choose from {', '.join(sorted(self._folders))}."
            )
        return folder

    def _stat(self, bucket: str, path: Path) -> os.stat_result:
        if self.leads_away(bucket, path):
            raise FileNotFoundError(errno.ENOENT, "a part of its path is a link", str(path))
        return path.stat()

    def _open(self, bucket: str, path: Path) -> int:
        if bucket in self._without_links:
            root = self.folder_of(bucket)
            return open_below(root, path.relative_to(root))
        return open_regular(path)

    def _object(self, bucket: str, name: str, path: Path) -> StoredObject | None:
        try:
            found = self._stat(bucket, path)
        except OSError as error:
            if why := self.absence(bucket):
                raise StoreUnavailable(why) from error
            if error.errno in disk_errors.NO_FILE:
                return None
            raise disk_errors.unreadable(name, error, watched=bucket in self._expected) from error
        if not stat_module.S_ISREG(found.st_mode):
            return None
        return self._found(bucket, name, found)

    def _found(self, bucket: str, name: str, found: os.stat_result) -> StoredObject:
        return StoredObject(
            bucket=bucket,
            name=name,
            generation=_generation(found),
            size=found.st_size,
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            # Another `up` may watch another inbox.
            metadata={OF_INBOX: str(self.folder_of(bucket))} if bucket in self._expected else {},
        )

    def _files(self, start: Path) -> Iterator[Path]:
        def explain(error: OSError) -> None:
            if error.errno not in disk_errors.NO_FILE:
                log.warning("%s cannot be listed: %s", error.filename, error.strerror)

        for folder, _, files in os.walk(start, onerror=explain):
            for file in files:
                yield Path(folder, file)


def _generation(found: os.stat_result) -> int:
    """The time of change, microseconds; one up to 1970 or after 9999 counts as the nearest that every message can hold."""
    return min(max(found.st_mtime_ns // 1000, 1), LATEST)


def _is_generation(found: os.stat_result, source: StoredObject) -> bool:
    return _generation(found) == source.generation and found.st_size == source.size


def _read_range(handle: int, start: int, length: int) -> bytes:
    data = os.pread(handle, length, start)
    if len(data) == length or not data:
        return data
    parts = [data]
    missing = length - len(data)
    # A system call gives at most 2 GiB, and less on some file systems.
    while missing and (data := os.pread(handle, missing, start + length - missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
