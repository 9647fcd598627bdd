"""What `dropscribe models` does with weights: list, download, check and export them."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gpu_job.speech.onnx import openvino_encoder
from gpu_job.weights import speakers
from gpu_job.weights.catalogue import SMALLER, File, Kind, Release, Weights, by_name, catalogue
from gpu_job.weights.speakers import NETWORKS, SPEAKERS, SpeakerNetwork
from local.commands import downloads
from local.commands.terminal import beside, output, print_json, print_text, table
from shared.bundled import bundled
from shared.errors import BadMedia, BadRequest, ModelUnavailable, NotFound
from shared.in_words import human_size
from shared.machine.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console


SAMPLE = bundled("samples/voice-note.opus")
WIDE = 120
"""Columns of a terminal wide enough for revisions and paths."""
ONE = 1 << 22
"""Bytes hashed between two updates of the bar."""


def show_list(*, as_json: bool) -> int:
    """Print all weights, in both forms."""
    found = [_described(one, release) for one, release in _all()]
    if as_json:
        print_json(found)
        return 0
    console = output(highlight=False, markup=False)
    more = ("revision", "path") if console.width >= WIDE else ()
    shown = table(
        *("weights", "form", "languages", "licence", "size", "on disk", *more),
        figures=("size",),
        whole=("form", "licence", "on disk", "revision"),
    )
    for entry in found:
        count = len(entry["languages"])
        cells = (
            entry["name"],
            entry["form"],
            entry["languages"][0] if count == 1 else str(count or ""),
            entry["licence"],
            f"{entry['bytes'] / 1e6:,.0f} MB",
            Text("yes", style="green") if entry["on_disk"] else Text("no", style="yellow"),
            entry["revision"][:12] or "bundled",
            Text(entry["path"]) if entry["on_disk"] else "",
        )
        shown.add_row(*cells[: 6 + len(more)])
    console.print(shown)
    console.print()
    console.print("onnx is for CPUs, nemo for GPUs. Download with `dropscribe models pull NAME [--nemo]`.")
    console.print(f"Large weights on this CPU: {openvino_encoder.recommended()}.", markup=False)
    console.print(f"For English only, {SMALLER} (docs/models.md).", markup=False)
    console.print(f"{SPEAKERS}: two networks that tell speakers apart (--diarize), always on the CPU.")
    return 0


def pull(name: str, kind: Kind) -> int:
    """Download weights, or resume a download that broke off; print their path.

    Raises:
        BadRequest: there are no weights of that name to download.
        ModelUnavailable: the hub was not reached, or sent other files than those pinned.
    """
    console = beside()
    if name == SPEAKERS:
        if kind == "nemo":
            raise BadRequest(f"The weights {SPEAKERS} have one form, for CPUs and GPUs. Leave out --nemo.")
        for one in NETWORKS:
            _announce(one, one.release, console)
        with downloads.bars(console) as advance:
            found = speakers.locate("", progress=advance)
        print_text(f"{found.segmentation}\n{found.embedding}")
        return 0
    known = _known(name)
    _announce(known, known.release(kind), console)
    located = downloads.locate(name, console, kind)
    print_text(str(located.path))
    return 0


def _announce(known: Weights | SpeakerNetwork, release: Release, console: Console) -> None:
    """Say what will be downloaded, if anything."""
    if release.on_disk() is None and release.repository is not None:
        console.print(
            f"Downloading {known.name} ({release.kind}): {human_size(release.size)}, {known.licence}, from "
            f"{release.repository} at {release.commit[:12]}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def verify(names: list[str]) -> int:
    """Compare every file on this disk with its pinned SHA-256; 1 if one is damaged.

    No names: all on this disk.

    Raises:
        BadRequest: there are no weights of that name.
        ModelUnavailable: weights were named, and none of their forms is on this disk.
    """
    console = output(soft_wrap=True, highlight=False)
    wanted = [name if name == SPEAKERS else _known(name).name for name in names]
    here = [
        (one, release)
        for one, release in _all()
        if any((release.folder / file.name).exists() for file in release.files)
    ]
    chosen = [(one, release) for one, release in here if not wanted or one.name in wanted]
    for name in wanted:
        if all(one.name != name for one, _ in chosen):
            raise ModelUnavailable(
                f"The weights {name} are not on this disk. `dropscribe models pull {name}` downloads them."
            )
    damaged = 0
    for known, release in chosen:
        problems = list(_problems(release, console))
        damaged += len(problems)
        for file, problem in problems:
            path = release.folder / file.name
            console.print(Text(f"{path}: {problem}", style="red"))
            console.print(Text(f"  To fix it: {_remedy(known, release, path)}"))
        found = f"{len(problems)} of {len(release.files)} damaged or missing" if problems else "intact"
        console.print(Text(f"{known.name} ({release.kind}): {found}"))
    if not chosen:
        console.print("No weights are on this disk.")
    return 1 if damaged else 0


def export_onnx(archive: Path, folder: Path, *, int8: bool, sample: Path | None) -> int:
    """Export a `.nemo` file (or weights known by name) for the CPU engine.

    Raises:
        BadRequest: the folder is not empty, or the sample cannot be decoded.
        ConfigurationError: torch, NeMo or onnx is not installed.
        ModelUnavailable: the export failed, or gives another text than the archive.
    """
    from gpu_job import onnx_export  # noqa: PLC0415 - loads numpy and more, other commands need not
    from local.evaluation import clips  # noqa: PLC0415 - see above

    console = beside(highlight=False, soft_wrap=True)
    known = by_name(str(archive))
    path = archive if known is None else downloads.locate(known.name, console, "nemo").path
    heard = sample or SAMPLE
    if not heard.is_file():
        raise BadRequest(
            f"There is no recording {heard}. With --sample, name one in a language of the model: both forms transcribe "
            "it, and an export that gives another text is not kept."
        )
    try:
        sound = clips.decode(heard)
    except BadMedia as error:
        raise BadRequest(f"The sample {heard} cannot be used: {error}") from error
    done = onnx_export.export_onnx(
        path, folder, sound, int8=int8, step=lambda step: console.print(f"{step} …", markup=False)
    )
    console.print(
        f"{done.size / 1e6:,.1f} MB. For {heard.name} it gives "
        + (
            "the same text as the archive."
            if not done.differing
            else f"another text than the archive in {done.differing:.1%} of the words."
        ),
        markup=False,
    )
    console.print(f"Use it with --model {folder}, or PARAKEET_MODEL_NAME={folder.absolute()}", markup=False)
    print_text(str(folder))
    return 0


_KINDS: tuple[Kind, ...] = ("onnx", "nemo")


def _all() -> Iterator[tuple[Weights | SpeakerNetwork, Release]]:
    """Everything that can be pulled, and whose it is."""
    for known in catalogue():
        for kind in _KINDS:
            yield known, known.release(kind)
    for network in NETWORKS:
        yield network, network.release


def _described(known: Weights | SpeakerNetwork, release: Release) -> dict[str, Any]:
    return {
        "name": known.name,
        "form": release.kind,
        "about": known.about,
        "owner": known.owner,
        "licence": known.licence,
        "languages": [] if isinstance(known, SpeakerNetwork) else list(known.languages),
        "bytes": release.size,
        "repository": release.repository,
        "revision": release.commit,
        "on_disk": release.on_disk() is not None,
        "path": str(release.path),
    }


def _known(name: str) -> Weights:
    known = by_name(name)
    if known is None:
        names = ", ".join([*(one.name for one in catalogue()), SPEAKERS])
        raise NotFound(f"There are no weights called {name!r}. Choose from {names}.")
    return known


def _problems(release: Release, console: Console) -> Iterator[tuple[File, str]]:
    """Files that differ from what was pinned, each with how."""
    with downloads.bars(console) as advance:
        for file in release.files:
            path = release.folder / file.name
            try:
                size = path.stat().st_size
                if size != file.size:
                    yield file, f"is {size:,} bytes long, and should be {file.size:,}"
                elif _sha256(path, file, advance) != file.sha256:
                    yield file, "is damaged: its SHA-256 does not match"
            except FileNotFoundError:
                yield file, "is missing"
            except OSError as error:
                yield file, f"cannot be read: {error.strerror}"


def _sha256(path: Path, file: File, advance: Any) -> str:
    total, done = hashlib.sha256(), 0
    with os.fdopen(open_regular(path), "rb") as content:
        while block := content.read(ONE):
            total.update(block)
            done += len(block)
            advance(file.name, done, file.size)
    return total.hexdigest()


def _remedy(known: Weights | SpeakerNetwork, release: Release, path: Path) -> str:
    if release.repository is None:
        return "install Dropscribe again; in a checkout: `git checkout -- models`"
    form = " --nemo" if release.kind == "nemo" else ""
    return f"rm '{path}' && dropscribe models pull {known.name}{form}"
