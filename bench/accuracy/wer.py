"""Word error rates side by side: in one piece, in chunks, on ONNX, on NeMo, on Deepgram.

    python -m bench wer --generated 20                     20 minutes of generated speech, the demo weights
    python -m bench wer --data FOLDER [--model NAME …]     a manifest, or LibriSpeech, TED-LIUM, Earnings-21

Every row is the whole flow, from the file to the transcript. The same blocks of the reference are drawn for every
row's interval. Seam errors are words that a row has more or fewer than the same engine in one piece, where two chunks
overlap or within 2 s of that.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import command_line
from bench.accuracy.seams import Heard, SeamErrors, seam_errors
from dropscribe.progress import Told
from gpu_job.weights.catalogue import TINY
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.evaluation import accuracy, clips, corpus
from local.runtime import one_shot, submission
from shared.costs.prices import TABLE
from shared.errors import DropscribeError, ModelUnavailable
from shared.in_words import dollars
from shared.model import Options
from shared.settings import Settings

WHOLE = 24 * 60.0
"""Minutes of a chunk that holds any recording: one piece."""
CHUNKS = (10.0, 1.0, 1 / 3)
"""Minutes of the chunks compared with it."""
TALK = 30 * 60.0
"""Seconds of a generated recording at most."""
CUT_BY_BYTES = {".mp3", ".aac"}
"""Suffixes of recordings whose chunks have estimated times; they are decoded first, so that seams have exact ones."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to transcribe everything."""

    engine: str
    chunks: str
    errors: list
    """`accuracy.Errors` of each block of the reference."""
    seams: SeamErrors
    seconds: float
    """Seconds of sound."""


def read(arguments, folder: Path) -> list[corpus.Entry]:
    """What is to be transcribed, with every stretch a file of its own."""
    if arguments.generated:
        return generated(arguments.generated, arguments.seed, folder)
    spoken = [one for path in arguments.data for one in corpus.read(path)][: arguments.limit]
    files = clips.files(spoken, folder)
    found = []
    for number, (one, file) in enumerate(zip(spoken, files, strict=True)):
        path = file
        if file.suffix.lower() in CUT_BY_BYTES:
            path = folder / f"whole-{number:06}.wav"
            clips.write(path, clips.decode(file))
        found.append(replace(one, audio=path, start=0.0, duration=None))
    return found


def generated(minutes: float, seed: int, folder: Path) -> list[corpus.Entry]:
    """Speech made of the bundled sentences, in recordings of at most half an hour."""
    from tests.speech import talk, text_of, write_wav

    count = max(1, math.ceil(minutes * 60 / TALK))
    found = []
    for number in range(count):
        samples, words = talk(minutes * 60 / count, seed + number)
        path = folder / f"generated-{number}.wav"
        write_wav(path, samples)
        found.append(corpus.Entry(audio=path, text=text_of(words)))
    return found


def transcribe(
    spoken, engine, *, model: str, minutes: float, method: str = "auto"
) -> tuple[list[Heard], float]:
    """Everything through the whole flow with one length of chunks; what was heard, and seconds of sound."""
    with tempfile.TemporaryDirectory(prefix="dropscribe-wer-") as state:
        hosted = Settings.from_environment() if method == "deepgram" else Settings()
        settings = Settings(
            state_dir=Path(state),
            chunk_minutes=min(minutes, 60.0),
            model=model,
            api_keys=hosted.api_keys,
            addresses=hosted.addresses,
            open_calls=hosted.open_calls,
        )
        object.__setattr__(
            settings, "chunk_minutes", minutes
        )  # one piece is longer than a setting may ask for
        ports = open_ports(settings)
        try:
            names = [one.audio.absolute() for one in spoken]
            collected = {file.path: file for file in inputs.collect(sorted(set(names))).files}
            found = submission.look(list(collected.values()), Options(model=model, method=method), ports)
            submission.submit(found, ports)
            heard: dict[Path, Heard] = {}
            seconds = 0.0
            for one, recording in one_shot.follow(found, ports, lambda _name: engine, progress=Told(None)):
                if recording.state != "DONE":
                    raise SystemExit(f"{one.file.path}: {recording.reason}")
                heard[one.file.path] = _heard(recording, ports)
                seconds += recording.duration or 0.0
            return [heard[name] for name in names], seconds
        finally:
            ports.close()


def _heard(recording, ports) -> Heard:
    name = next(name for name in recording.outputs if name.endswith("transcript.json"))
    document = json.loads(ports.store.load(ports.settings.transcripts_bucket, name))
    words = tuple((word["text"], word["start"], word["end"]) for word in document["words"])
    chunks = recording.chunks
    seams = tuple(
        (right.start - right.lead, right.start + left.tail) for left, right in itertools.pairwise(chunks)
    )
    return Heard(words=words, seams=seams)


def judge(spoken, heard, normalise) -> list:
    """Errors of every block of the reference."""
    return [
        block
        for one, its in zip(spoken, heard, strict=True)
        for block in accuracy.score(normalise(one.text), normalise(its.without(one.unscored).text))
    ]


def rows(spoken, engines, normalise, model: str, lengths):
    """A row for each engine and length of chunks, as it is done."""
    for name, engine in engines:
        whole, seconds = transcribe(spoken, engine, model=model, minutes=WHOLE)
        yield Row(
            engine=name,
            chunks="one piece",
            errors=judge(spoken, whole, normalise),
            seams=SeamErrors(),
            seconds=seconds,
        )
        for minutes in lengths:
            chunked, _ = transcribe(spoken, engine, model=model, minutes=minutes)
            seams = sum((seam_errors(a, b) for a, b in zip(whole, chunked, strict=True)), SeamErrors())
            if not seams.seams:
                continue  # every recording is shorter than a chunk: the row above says it
            length = f"{minutes:g} min" if minutes >= 1 else f"{minutes * 60:g} s"
            yield Row(
                engine=name,
                chunks=length,
                errors=judge(spoken, chunked, normalise),
                seams=seams,
                seconds=seconds,
            )


def engines(model: str, *, nemo: bool):
    """The engines that can run here, each loaded when its turn comes."""
    from gpu_job.speech.onnx import onnx_engine

    try:
        yield "ONNX", onnx_engine.load(model)
    except ModelUnavailable as error:
        print(f"ONNX left out: {error}", file=sys.stderr)
    if not nemo:
        return
    if any(importlib.util.find_spec(package) is None for package in ("torch", "nemo")):
        print("NeMo left out: it is not installed (pip install 'dropscribe[nemo]')", file=sys.stderr)
        return
    from gpu_job.speech.nemo import nemo_engine

    try:
        yield "NeMo", nemo_engine.load(model)
    except ModelUnavailable as error:
        print(f"NeMo left out: {error}", file=sys.stderr)


def deepgram(spoken, seconds: float, normalise, model: str, *, yes: bool):
    """Deepgram's row, after its price was accepted; None where it was not, or where there is no key."""
    if not os.environ.get("DEEPGRAM_API_KEY"):
        print("Deepgram left out: DEEPGRAM_API_KEY is not set", file=sys.stderr)
        return None
    print(
        f"Deepgram will ask about {dollars(TABLE.hosted('deepgram', seconds))} for {seconds / 60:.1f} minutes.",
        file=sys.stderr,
    )
    if not yes and (not sys.stdin.isatty() or input("Go on? [y/N] ").strip().lower() != "y"):
        print("Deepgram left out: not agreed to (--yes agrees beforehand)", file=sys.stderr)
        return None
    heard, _ = transcribe(spoken, None, model=model, minutes=WHOLE, method="deepgram")
    return Row(
        engine="Deepgram",
        chunks="one piece",
        errors=judge(spoken, heard, normalise),
        seams=SeamErrors(),
        seconds=seconds,
    )


def described(row: Row, seed: int) -> dict:
    """A row as plain values."""
    errors = accuracy.total(row.errors)
    low, high = accuracy.interval(row.errors, seed=seed)
    return {
        "engine": row.engine,
        "chunks": row.chunks,
        **asdict(errors),
        "rate": errors.rate,
        "low": low,
        "high": high,
        "seams": asdict(row.seams),
    }


def show(found: list[dict], spoken, seconds: float, model: str) -> None:
    """The table."""
    console = Console(width=None if Console().is_terminal else 130, highlight=False)
    table = Table(
        title=f"{len(spoken)} recordings, {seconds / 60:.1f} min, {found[0]['words']:,} words, weights {model}"
    )
    table.add_column("engine")
    table.add_column("chunks")
    for name in ("WER", "95 % interval", "sub", "del", "ins", "seams", "lost", "added"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found:
        seams = row["seams"]
        table.add_row(
            row["engine"],
            row["chunks"],
            f"{100 * row['rate']:.2f} %",
            f"{100 * row['low']:.2f}–{100 * row['high']:.2f} %",
            str(row["substitutions"]),
            str(row["deletions"]),
            str(row["insertions"]),
            *(str(seams[key]) if seams["seams"] else "–" for key in ("seams", "lost", "added")),
        )
    console.print(table)


def parse(arguments=None):
    """The command line."""
    parser = command_line("wer", __doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, nargs="+", help="manifests, and folders of corpora")
    source.add_argument("--generated", type=float, metavar="MINUTES", help="speech made here (20 by default)")
    parser.add_argument("--model", help="weights: tiny for generated speech, else the default ones")
    parser.add_argument("--language", default="en", help="of the recordings, for the rules of spelling")
    parser.add_argument("--limit", type=int, help="only the first so many recordings")
    parser.add_argument(
        "--chunks",
        type=float,
        nargs="*",
        default=CHUNKS,
        metavar="MINUTES",
        help="lengths compared with one piece",
    )
    parser.add_argument("--seed", type=int, default=0, help="of generated speech and of the intervals")
    parser.add_argument("--no-nemo", action="store_true", help="leave NeMo out")
    parser.add_argument(
        "--deepgram", action="store_true", help="Deepgram as well: it costs money, and says how much"
    )
    parser.add_argument("--yes", action="store_true", help="agree to Deepgram's price beforehand")
    parser.add_argument("--json", action="store_true", help="print JSON")
    found = parser.parse_args(arguments)
    if not found.data and not found.generated:
        found.generated = 20.0
    found.model = found.model or (TINY if found.generated else Settings().model)
    return found


def main() -> int:
    """Measure, and print the table; 0 when at least one engine ran."""
    arguments = parse()
    try:
        normalise = accuracy.normaliser(arguments.language)
        with tempfile.TemporaryDirectory(prefix="dropscribe-wer-") as folder:
            spoken = read(arguments, Path(folder))
            done = []
            ways = engines(arguments.model, nemo=not arguments.no_nemo)
            for row in rows(spoken, ways, normalise, arguments.model, arguments.chunks):
                print(
                    f"{row.engine}, {row.chunks}: {100 * accuracy.total(row.errors).rate:.2f} %",
                    file=sys.stderr,
                )
                done.append(row)
            if not done:
                return 1
            if arguments.deepgram:
                row = deepgram(spoken, done[0].seconds, normalise, arguments.model, yes=arguments.yes)
                done += [row] if row else []
    except DropscribeError as error:
        print(f"bench wer: {error}", file=sys.stderr)
        return 2
    found = [described(row, arguments.seed) for row in done]
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found, spoken, done[0].seconds, arguments.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
