"""`make corpus`: the table of all cases, or of those whose names hold a word: `make corpus ARGS=webm`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.corpus.cases import every
from tests.corpus.transcribe import rows


def main() -> int:
    """Print the table; 1 if a row is not right."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("holds", nargs="?", default="", help="part of the names of the cases")
    cases = [one for one in every() if options.parse_args().holds in one.name]
    table = Table("recording", "words", "errors", "rate", "times off", "warnings", "")
    with tempfile.TemporaryDirectory(prefix="dropscribe-corpus-") as folder:
        found = {row.case.name: row for row in rows(cases, Path(folder))}
    for case in cases:
        row = found[case.name]
        table.add_row(
            case.name,
            str(row.words),
            str(row.errors),
            f"{row.rate:.3f}",
            f"{row.off * 1000:.0f} ms",
            "\n".join(row.warnings),
            row.problem,
        )
    console = Console(width=160)
    console.print(table)
    wrong = sum(bool(row.problem) for row in found.values())
    console.print(f"{len(cases)} recordings, {wrong} not right")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
