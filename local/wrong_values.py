"""What is wrong with the value of an option, as a person says it: Typer repeats what pydantic says to programmers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "Value error, "
"""What pydantic puts before a sentence of Typer's."""

DAY = " does not match the formats '%Y-%m-%d'."
"""How Typer says that something is not a day."""

SENTENCES = {
    "int_parsing": "{given!r} is not a whole number.",
    "int_parsing_size": "{given!r} is too large.",
    "float_parsing": "{given!r} is not a number.",
    "greater_than_equal": "{given} is too small. Give {ge} or more.",
    "less_than_equal": "{given} is too large. Give {le} or less.",
}
"""What to say of pydantic's kinds of errors, with the value that was given and the limits that it has."""


def worded(command: Any) -> Any:
    """The same command, or group with all its commands, which says in plain words what is wrong with a value."""
    parse = command.parse_args

    def parse_args(ctx: Any, args: list[str]) -> list[str]:
        try:
            rest: list[str] = parse(ctx, args)
        except typer.BadParameter as error:
            error.message = _in_words(error)
            raise
        return rest

    command.parse_args = parse_args
    for inner in getattr(command, "commands", {}).values():
        worded(inner)
    return command


def _in_words(error: typer.BadParameter) -> str:
    causes: list[Mapping[str, Any]] = getattr(error.__cause__, "errors", list)()
    if causes and (sentence := SENTENCES.get(causes[0]["type"])):
        return sentence.format(given=causes[0]["input"], **causes[0].get("ctx", {}))
    said = error.message.removeprefix(PREFIX)
    if DAY not in said:
        return said
    return f"{said.removesuffix(DAY)} is not a day. Write it as YYYY-MM-DD, for example 2026-01-31."
