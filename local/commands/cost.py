"""`dropscribe cost`: what the rows of the ledger sum up to, and what they say should be changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.commands import cost_report, cost_screen
from local.commands.terminal import output
from shared.connect import settings_here
from shared.costs import hour_price, prices_file
from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.commands.cost_report import Question
    from shared.ports import Ports


def check(asked: Mapping[str, object]) -> None:
    """See that the options of the command go together.

    Args:
        asked: the options by their names; what was not given is false.

    Raises:
        BadRequest: they do not; says which.
    """
    given = [name for name, value in asked.items() if value]
    if len(forms := [name for name in given if name in {"--json", "--csv", "--table"}]) > 1:
        raise BadRequest(f"{' and '.join(forms)} are different forms of answer: give one of them.")
    if "--table" in given and len(given) > 1:
        rest = " and ".join(name for name in given if name != "--table")
        raise BadRequest(
            f"--table tells prices, not what was paid in some days: leave out {rest}, or --table."
        )


def run(question: Question, ports: Ports) -> None:
    """Answer on standard output.

    Args:
        question: what to tell, and how.
        ports: the deployment, this machine's or a project's.

    Raises:
        BadRequest: the days make no sense.
        Transient: the records did not answer.
    """
    report = cost_report.make(question, ports)
    if question.form == "json":
        print(json.dumps(cost_report.as_json(report, ports), indent=2, ensure_ascii=False))  # noqa: T201 - output
    elif question.form == "csv":
        print(cost_report.as_csv(report), end="")  # noqa: T201 - output
    else:
        cost_screen.show(report, ports, output())


def table() -> str:
    """What an hour of audio costs at several speeds, with the prices and the workers of the settings."""
    settings = settings_here()
    return hour_price.markdown(prices_file.table(settings), settings)
