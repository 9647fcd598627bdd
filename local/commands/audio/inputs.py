"""The files that a command line names, and the folder for the outputs of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.commands.audio.sources import comes_from_elsewhere
from local.runtime.submission import InputFile
from shared.audio.containers import SUFFIXES
from shared.errors import BadRequest, DropscribeError, NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The files that a command line names."""

    files: tuple[InputFile, ...]
    """In the order given; a folder's files by name."""
    passed_over: int
    """Number of files in folders whose suffix is not one of media."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by what it is: an argument that does not exist or could not be fetched, a folder
    that could not be searched, a broken link."""


def collect(
    arguments: Sequence[str | Path],
    *,
    never_below: Iterable[Path] = (),
    receive: Callable[[str], Path] | None = None,
) -> Inputs:
    """The files that a command line names; folders are searched to any depth.

    Folders in `never_below` are not searched. `receive` gives the file of what comes from elsewhere (`-`, addresses);
    None: every argument is a path.

    Raises:
        NotFound: none of the paths exists.
        BadRequest: there is nothing to transcribe.
        DropscribeError: nothing else was named than what could not be received.
    """
    left_out = {path.resolve() for path in never_below}
    named: list[tuple[Path, Path]] = []
    elsewhere: set[Path] = set()
    passed_over = 0
    unreadable: dict[str, str] = {}
    missing: dict[str, DropscribeError] = {}
    for argument in dict.fromkeys(map(str, arguments)):
        try:
            path, here = _find(argument, receive)
        except DropscribeError as error:
            missing[argument] = error
            continue
        if not path.is_dir():
            named.append((path, Path(path.name)))
            elsewhere |= set() if here else {path}
            continue
        for found in _walk(path, left_out, unreadable):
            if found.suffix.lower() in SUFFIXES:
                named.append((found, found.relative_to(path)))
            else:
                passed_over += 1
    unique = dict(reversed(named))
    if not unique:
        raise _nothing(arguments, missing, unreadable, passed_over)
    ordered = [(path, unique[path]) for path in dict.fromkeys(path for path, _ in named)]
    return Inputs(
        files=tuple(_without_collisions(ordered, elsewhere)),
        passed_over=passed_over,
        unreadable={name: str(error) for name, error in missing.items()} | unreadable,
    )


def _find(argument: str, receive: Callable[[str], Path] | None) -> tuple[Path, bool]:
    """What an argument names, and whether it is a path.

    Raises:
        DropscribeError: there is nothing, or it cannot be received.
    """
    if receive is not None and comes_from_elsewhere(argument):
        return receive(argument), False
    if not argument.removeprefix("file://"):
        # Else it would be the folder that one is in, with all that is below it.
        raise NotFound("The name of a file is empty. Is a variable of your script not set?")
    path = Path(os.path.abspath(argument.removeprefix("file://")))  # noqa: PTH100 - resolve() would follow links
    if not path.is_dir() and not path.is_file():
        raise NotFound(f"There is no file or folder {argument!r}. Check the spelling of the path.")
    return path, True


def _nothing(
    arguments: Sequence[str | Path],
    missing: Mapping[str, DropscribeError],
    unreadable: Mapping[str, str],
    passed_over: int,
) -> DropscribeError:
    """Why there is nothing to transcribe."""
    if missing:
        first = next(iter(missing.values()))
        first.args = (" ".join(map(str, missing.values())),)
        return first
    if unreadable:
        return BadRequest(
            f"Nothing to transcribe: {'; '.join(unreadable.values())}. Make the folder readable."
        )
    return BadRequest(
        f"Nothing to transcribe: no audio or video in {', '.join(map(str, arguments))} ({passed_over} other "
        "files). A file with an unusual name is transcribed if you give its own path."
    )


def _walk(folder: Path, left_out: set[Path], unreadable: dict[str, str]) -> Iterator[Path]:
    def cannot(error: OSError) -> None:
        name = str(error.filename)
        unreadable[name] = f"{name} cannot be searched ({error.strerror})"

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
                unreadable[str(path)] = f"{path} is a broken link"


def _without_collisions(named: list[tuple[Path, Path]], elsewhere: set[Path]) -> Iterator[InputFile]:
    """Inputs with the same short name take their path below the folder that all of them share.

    Those from elsewhere have no such path: they take the name of their folder, which is that of their content.
    """
    meetings = Counter(output for _, output in named)
    here = [path.parent for path, _ in named if path not in elsewhere]
    shared = Path(os.path.commonpath(here)) if here else Path()
    for path, output in named:
        folder = path.parent.name[:8]
        longer = Path(folder, path.name) if path in elsewhere else path.relative_to(shared)
        alone = meetings[output] == 1
        yield InputFile(path=path, output=output if alone else longer, is_here=path not in elsewhere)
