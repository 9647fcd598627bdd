"""Transcribe cases with the whole flow, and compare words, times and warnings with what is right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz.distance import Levenshtein

from dropscribe.progress import Told
from gpu_job.speech.onnx import onnx_engine
from gpu_job.weights.catalogue import TINY
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import one_shot, submission
from shared.model import Options
from shared.settings import Settings
from tests.corpus.cases import Case, expected, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CHUNK = 1 / 3
"""Minutes of a chunk: each recording has seams."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of a case."""

    case: Case
    state: str
    """Of the recording, and why it failed."""
    errors: int = 0
    """Words wrong, missing or too many."""
    words: int = 0
    """That were to be heard."""
    off: float = 0.0
    """Median difference of the starts of equal words, seconds."""
    warnings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Word error rate."""
        return self.errors / max(1, self.words)

    @property
    def problem(self) -> str:
        """What is not right; empty if all is."""
        if self.state != "DONE":
            return self.state
        if self.rate > self.case.most:
            return "words"
        if self.off > self.case.most_off:
            return "times"
        if self.case.warned is not None and bool(self.warnings) != self.case.warned:
            return "false warning" if self.warnings else "no warning"
        return ""


def rows(cases: Sequence[Case], folder: Path) -> Iterator[Row]:
    """What comes of each case, as they end.

    Args:
        cases: the recordings.
        folder: where they and the state are written.
    """
    ports = open_ports(settings := Settings(state_dir=folder / "state", model=TINY))
    # Shorter than a setting may ask for: several chunks in a recording that is encoded in a moment.
    object.__setattr__(settings, "chunk_minutes", CHUNK)
    by_path = {}
    for number, case in enumerate(cases):
        path = folder / f"case-{number:03}"
        path.write_bytes(case.make())
        by_path[path.absolute()] = case
    try:
        found = submission.look(inputs.collect(list(by_path)).files, Options(model=TINY), ports)
        submission.submit(found, ports)
        for one, recording in one_shot.follow(found, ports, onnx_engine.load, progress=Told(None)):
            case = by_path[one.file.path]
            if recording.state != "DONE":
                yield Row(case=case, state=f"{recording.state}: {recording.reason}")
                continue
            name = next(name for name in recording.outputs if name.endswith("transcript.json"))
            document = json.loads(ports.store.load(settings.transcripts_bucket, name))
            yield judged(case, document)
    finally:
        ports.close()


def judged(case: Case, document: dict) -> Row:
    """Compare a transcript with what is right."""
    right = expected(case)
    first, last = unknown(case)
    heard = [one for one in document["words"] if not first <= (one["start"] + one["end"]) / 2 < last]
    said, written = [one.word for one in right], [one["text"].lower().strip(".,?!") for one in heard]
    off = []
    for kind, a, b, c, _ in Levenshtein.opcodes(said, written).as_list():
        if kind == "equal":
            off += [abs(right[a + i].start - heard[c + i]["start"]) for i in range(b - a)]
    return Row(
        case=case,
        state="DONE",
        errors=Levenshtein.distance(said, written),
        words=len(said),
        off=float(np.median(off)) if off else float("inf"),
        warnings=tuple(one for one in document["warnings"] if "demo model" not in one),
    )
