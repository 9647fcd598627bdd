"""Recordings with reference texts: NeMo manifests, and the folder layouts of LibriSpeech, TED-LIUM and Earnings-21."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IGNORED = "ignore_time_segment_in_scoring"
"""What TED-LIUM writes where there is no reference text."""
AUDIO = (".wav", ".flac", ".mp3", ".sph", ".m4a", ".opus", ".ogg")
"""Suffixes tried, in this order, where a corpus names a recording without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A stretch of a recording and its reference text."""

    audio: Path
    """The file."""
    text: str
    """What is said, as the corpus spells it."""
    start: float = 0.0
    """Where the stretch starts in the file, seconds."""
    duration: float | None = None
    """Length of the stretch, seconds; None to the end of the file."""
    unscored: tuple[tuple[float, float], ...] = ()
    """Stretches, in seconds from `start`, in which the corpus does not say what is said."""

    @property
    def whole(self) -> bool:
        """Whether the stretch is all of the file."""
        return self.start == 0.0 and self.duration is None


def read(path: Path) -> list[Entry]:
    """Everything that a manifest or the folder of a corpus holds, in order.

    The path is a manifest (`.json`, `.jsonl`), or a folder with one of the layouts below, anywhere in it.

    Raises:
        BadRequest: there is no such corpus, a line cannot be read, or a recording is missing; says where.
    """
    if path.is_file():
        return _some(path, _manifest(path))
    if not path.is_dir():
        raise BadRequest(f"There is no file or folder {path}. Give a manifest or the folder of a corpus.")
    for pattern, reader in _LAYOUTS:
        found = sorted(path.rglob(pattern))
        if found:
            return _some(path, [one for file in found for one in reader(file)])
    raise BadRequest(
        f"{path} is not a known kind of corpus: it has no *.trans.txt (LibriSpeech), no *.stm (TED-LIUM), no *.nlp "
        "(Earnings-21 and -22), and no manifest.json or .jsonl (NeMo). Write a manifest: one JSON object a line with "
        "audio_filepath and text."
    )


def _some(path: Path, found: list[Entry]) -> list[Entry]:
    if not found:
        raise BadRequest(f"{path} has no recording with a text.")
    return found


def _manifest(path: Path) -> list[Entry]:
    """NeMo's: one JSON object a line, `audio_filepath` (relative to the manifest), `text`, `offset`, `duration`."""
    found = []
    for number, line in _lines(path):
        try:
            entry: dict[str, Any] = json.loads(line)
            audio, text = Path(entry["audio_filepath"]), entry["text"]
            start, duration = float(entry.get("offset") or 0.0), entry.get("duration")
            # A duration without an offset is the length of the file, written down.
            cut = None if duration is None or "offset" not in entry else float(duration)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadRequest(
                f"{path}, line {number} is not an entry of a NeMo manifest ({type(error).__name__}: {error}). Write a "
                'JSON object such as {"audio_filepath": "talk.wav", "text": "what is said"}.'
            ) from error
        file = _there(path.parent / audio.expanduser(), path, number)
        if str(text).strip():
            found.append(Entry(audio=file, text=str(text), start=start, duration=cut))
    return found


def _librispeech(path: Path) -> list[Entry]:
    """`84-121123.trans.txt`: a line is the name of a flac beside it, then its text."""
    found = []
    for number, line in _lines(path):
        name, _, text = line.partition(" ")
        file = _there(path.parent / f"{name}.flac", path, number)
        found.append(Entry(audio=file, text=text.strip()))
    return found


def _tedlium(path: Path) -> list[Entry]:
    """One `.stm` a talk: file, channel, speaker, start, end, labels, text. The whole talk is one recording."""
    texts, unscored, audio = [], [], None
    for number, line in _lines(path):
        if line.startswith(";;"):
            continue
        fields = line.split(maxsplit=5)
        try:
            name, start, end, rest = fields[0], float(fields[3]), float(fields[4]), fields[5]
        except (IndexError, ValueError) as error:
            raise BadRequest(
                f"{path}, line {number} is not a line of an stm file (file channel speaker start end <labels> text)."
            ) from error
        audio = audio or _audio(path, name, number)
        text = rest.partition(">")[2].strip() if rest.startswith("<") else rest.strip()
        if text.replace(" ", "_") == IGNORED:
            unscored.append((start, end))
        else:
            texts.append(text.replace("<unk>", ""))
    if audio is None or not texts:
        return []
    # TED-LIUM parts an apostrophe from its word.
    joined = " ".join(texts).replace(" '", "'")
    return [Entry(audio=audio, text=joined, unscored=tuple(unscored))]


def _earnings(path: Path) -> list[Entry]:
    """One `.nlp` a call: a word a line, columns parted by `|`, named by the first line."""
    lines = list(_lines(path))
    columns = lines[0][1].split("|") if lines else []
    if "token" not in columns:
        raise BadRequest(
            f"{path} does not begin with the names of its columns, as Earnings-21 does (token|…)."
        )
    token = columns.index("token")
    words = []
    for number, line in lines[1:]:
        fields = line.split("|")
        if len(fields) <= token:
            raise BadRequest(
                f"{path}, line {number} has {len(fields)} columns; its first line names {columns}."
            )
        if not fields[token].startswith("<"):  # <crosstalk>, <inaudible>
            words.append(fields[token])
    return [Entry(audio=_audio(path, path.stem, 1), text=" ".join(words))] if words else []


_LAYOUTS: tuple[tuple[str, Callable[[Path], list[Entry]]], ...] = (
    ("*.trans.txt", _librispeech),
    ("*.stm", _tedlium),
    ("*.nlp", _earnings),
    ("*manifest*.json*", _manifest),
)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, counted from 1."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read: {error}.") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _audio(path: Path, name: str, number: int) -> Path:
    """The recording of that name: beside the text, or in a folder up to two levels up."""
    above = (
        one for folder in (path.parent.parent, path.parent.parent.parent) for one in sorted(folder.iterdir())
    )
    for folder in (path.parent, *above):
        for suffix in AUDIO:
            if (folder / f"{name}{suffix}").is_file():
                return folder / f"{name}{suffix}"
    raise BadRequest(
        f"{path}, line {number} is about {name}, but there is no {name}.wav, .flac, .mp3, .sph … beside it or in a "
        "neighbouring folder. Unpack the recordings of the corpus next to its texts."
    )


def _there(file: Path, path: Path, number: int) -> Path:
    if not file.is_file():
        raise BadRequest(
            f"{path}, line {number} names {file}, which does not exist. Fix the line or fetch the file."
        )
    return file
