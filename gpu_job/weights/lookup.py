"""Where weights are: in the repository, in a folder, in a file, or on the model hub, pinned by commit.

Nothing here loads them, so that asking what there is (`dropscribe doctor`) costs neither time nor memory.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_job.weights import digests
from gpu_job.weights.catalogue import BUNDLED, FILES, Kind, by_name, catalogue
from gpu_job.weights.located import Located
from gpu_job.weights.nemo_tar import open_tar
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from gpu_job.weights.catalogue import Release
    from gpu_job.weights.download import Progress

MODEL_TYPE = "nemo-conformer-tdt"


def locate(name: str, kind: Kind = "onnx", *, progress: Progress | None = None) -> Located:
    """Find weights, downloading them where that is needed.

    Args:
        name: a name of the catalogue, with `:int8` at its end for that form of it; or the path of a folder with an ONNX export (`onnx`), of a `.nemo` file or
            of a folder with one (`nemo`).
        kind: which form of them.
        progress: is told how far a download is.

    Raises:
        ModelUnavailable: says what is missing and what to do.
    """
    known = by_name(name)
    if known is not None and name != known.name:
        if kind == "nemo":
            raise ModelUnavailable(f"{name} is for processors. For a GPU, name {known.name}.")
        from gpu_job.weights.int8 import located_int8  # noqa: PLC0415 - it imports what is here

        located = locate(known.name, progress=progress)
        # Before another form is made of them, which would last.
        verify(known.name)
        return located_int8(located)
    if known is None:
        given = Path(name).expanduser()
        return _export(given, name) if kind == "onnx" else _nemo(given, name)
    release = known.release(kind)
    path = release.on_disk()
    if release.repository is None:
        if path is None:
            raise ModelUnavailable(
                f"The bundled demo weights are not in {BUNDLED}, or are damaged. Install Dropscribe again (in a checkout, "
                "`git checkout -- models` brings them back), or name other weights with --model."
            )
        return Located(
            path=path,
            revision=digest(path),
            language=known.language,
            remedy="install Dropscribe again; in a checkout, `git checkout -- models` brings it back",
        )
    if path is None:
        from gpu_job.weights.download import download  # noqa: PLC0415 - imports the hub's client, half a second

        path = download(known, release, progress)
    return Located(
        path=path,
        revision=release.commit,
        language=known.language,
        remedy=f"`dropscribe models verify {name}` names the damaged file; delete it and start again to "
        "download it again",
    )


def verify(name: str, kind: Kind = "onnx") -> None:
    """Check that weights of the catalogue are what was pinned, before they are loaded; of others nothing is known.

    Each file is read for that once, see `digests.py`.

    Raises:
        ModelUnavailable: one is damaged, was changed or cannot be read.
    """
    known = by_name(name)
    if known is None:
        return
    release = known.release(kind)
    verify_release(release, f"dropscribe models pull {name}{' --nemo' * (release.kind == 'nemo')}")


def verify_release(release: Release, pull: str) -> None:
    """Check that the files of a release are what was pinned.

    Raises:
        ModelUnavailable: one is damaged, was changed or cannot be read.
    """
    for file in release.files:
        path = release.folder / file.name
        try:
            found = digests.sha256(path)
        except OSError as error:
            raise ModelUnavailable(f"{path} cannot be read: {error.strerror}. Make it readable.") from error
        if found != file.sha256:
            cure = (
                "install Dropscribe again; in a checkout, `git checkout -- models` brings it back"
                if release.repository is None
                else f"delete it, and `{pull}` fetches it again"
            )
            raise ModelUnavailable(
                f"{path} is damaged or was changed: it is not the file that was pinned (SHA-256). To fix it, {cure}."
            )


def identity(name: str) -> str:
    """What some weights are, however they are spelt: their name in the catalogue, or their files and the state of each."""
    if by_name(name) is not None:
        return name
    given = Path(name).expanduser()
    try:
        files = sorted(given.iterdir()) if given.is_dir() else [given]
        states = [digests.state(one) for one in files if one.is_file()]
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links
        states = [f"{name}: {error}"]
    return "\n".join(states) or name


def digest(path: Path) -> str:
    """Short SHA-256 of a `.nemo` file or of the files of an export: the revision of weights without a commit.

    That of a file is the beginning of what `sha256sum` prints, whatever the file's name; in an export, names count.
    """
    if path.is_file():
        return f"sha256:{digests.sha256(path)[:16]}"
    total = hashlib.sha256()
    for part in sorted(path.iterdir()):
        if part.name in FILES or part.name.endswith(".onnx.data"):
            total.update(f"{part.name}\0".encode())
            total.update(bytes.fromhex(digests.sha256(part)))
    return f"sha256:{total.hexdigest()[:16]}"


def _export(folder: Path, name: str) -> Located:
    """A folder with an ONNX export."""
    if folder.is_file() and folder.suffix == ".nemo":
        raise ModelUnavailable(
            f"{folder} is a NeMo archive, which runs with torch and NeMo; ONNX Runtime, which is faster on a CPU, "
            f"loads an export of it. Make one with `dropscribe models export-onnx {folder} FOLDER`, then name that folder."
        )
    if not folder.is_dir():
        raise ModelUnavailable(_unknown(name, "folder", "a folder with an ONNX export"))
    if strange := [
        one.name for one in sorted(folder.iterdir()) if one.exists() and not (one.is_file() or one.is_dir())
    ]:
        # ONNX Runtime opens whatever a graph names in its folder, and would wait for a pipe for ever.
        raise ModelUnavailable(
            f"{folder / strange[0]} is no file, but a pipe, a socket or a device. Remove it, or name other weights."
        )
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise ModelUnavailable(
            f"The folder {folder} holds no ONNX export of a Parakeet-TDT model: {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Export the model again, or use one of {_names()}."
        )
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelUnavailable(
            f"{folder / 'config.json'} is not a JSON object: {error}. Export the model again."
        ) from error
    if kind != MODEL_TYPE:
        raise ModelUnavailable(
            f"The model in {folder} is of type {kind!r}; Dropscribe runs {MODEL_TYPE!r}. Use one of {_names()}."
        )
    return Located(path=folder, revision=digest(folder), language=None, remedy="export the model again")


def _nemo(path: Path, name: str) -> Located:
    """A `.nemo` file, or the one in a folder."""
    if path.is_dir():
        found = sorted(path.glob("*.nemo"))
        if len(found) != 1:
            raise ModelUnavailable(
                f"The folder {path} holds {len(found) or 'no'} .nemo files, where NeMo needs one. Name the file itself, "
                f"or use one of {_names()}."
            )
        [path] = found
    if not path.is_file():
        raise ModelUnavailable(_unknown(name, "file", "a .nemo file"))
    try:
        with open_tar(path):
            pass
    except (OSError, tarfile.TarError) as error:
        raise ModelUnavailable(
            f"{path} is no NeMo archive (a tar file), or is damaged: {str(error).partition(chr(10))[0]}. Copy or train "
            "it again."
        ) from error
    return Located(path=path, revision=digest(path), language=None, remedy="copy or train it again")


def _unknown(name: str, thing: str, what: str) -> str:
    return (
        f"There are no weights called {name!r}, and no such {thing}. Known are {_names()}; "
        f"or give the path of {what}."
    )


def _names() -> str:
    return ", ".join(weights.name for weights in catalogue())
