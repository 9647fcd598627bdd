"""The files that a command line names, and the folder for the outputs of each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.inbox.ignore import MEDIA_SUFFIXES
from shared.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """One file to transcribe."""

    path: Path
    """Absolute, links not resolved."""
    output: Path
    """Folder of its outputs, relative to the output directory; no two inputs share one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The files that a command line names."""

    files: tuple[InputFile, ...]
    """In the order given; a folder's files by name."""
    passed_over: int
    """Number of files in folders whose suffix is not one of media."""
    unreadable: tuple[str, ...] = ()
    """Paths that do not exist and folders that could not be searched, each with the reason."""


def collect(arguments: Sequence[Path], *, never_below: Iterable[Path] = ()) -> Inputs:
    """The files that some paths name; folders are searched to any depth.

    Args:
        arguments: files and folders.
        never_below: folders to leave out when searching, such as the output directory.

    Raises:
        NotFound: none of the paths exists.
        BadRequest: there is nothing to transcribe.
    """
    left_out = {path.resolve() for path in never_below}
    named: list[tuple[Path, Path]] = []
    passed_over = 0
    unreadable: list[str] = []
    missing: list[str] = []
    for argument in arguments:
        path = Path(os.path.abspath(argument))  # noqa: PTH100 - resolve() would follow links
        if path.is_dir():
            for found in _walk(path, left_out, unreadable):
                if found.suffix.lower() in MEDIA_SUFFIXES:
                    named.append((found, found.relative_to(path)))
                else:
                    passed_over += 1
        elif path.is_file():
            named.append((path, Path(path.name)))
        else:
            missing.append(f"There is no file or folder {str(argument)!r}. Check the spelling of the path.")
    unique = dict(reversed(named))
    if not unique and missing:
        raise NotFound(" ".join(missing))
    if not unique and unreadable:
        raise BadRequest(f"Nothing to transcribe: {'; '.join(unreadable)}. Make the folder readable.")
    if not unique:
        raise BadRequest(
            f"Nothing to transcribe: no audio or video in {', '.join(str(one) for one in arguments)} "
            f"({passed_over} other files). To transcribe a file with an unusual name, give its own path."
        )
    ordered = [(path, unique[path]) for path in dict.fromkeys(path for path, _ in named)]
    return Inputs(
        files=tuple(_without_collisions(ordered)),
        passed_over=passed_over,
        unreadable=(*missing, *unreadable),
    )


def _walk(folder: Path, left_out: set[Path], unreadable: list[str]) -> Iterator[Path]:
    def cannot(error: OSError) -> None:
        unreadable.append(f"{error.filename} cannot be searched ({error.strerror})")

    for parent, folders, files in os.walk(folder, onerror=cannot, followlinks=False):
        here = Path(parent)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (here / name).resolve() not in left_out
        )
        for path in (here / name for name in sorted(files) if not name.startswith(".")):
            # Regular files and links to them; reading a pipe would block.
            if path.is_file():
                yield path
            elif path.is_symlink():
                unreadable.append(f"{path} is a broken link")


def _without_collisions(named: list[tuple[Path, Path]]) -> Iterator[InputFile]:
    """Inputs with the same short name take their path below the folder that all of them share."""
    meetings: dict[Path, int] = {}
    for _, output in named:
        meetings[output] = meetings.get(output, 0) + 1
    shared = Path(os.path.commonpath([path.parent for path, _ in named]))
    for path, output in named:
        yield InputFile(path=path, output=output if meetings[output] == 1 else path.relative_to(shared))
