"""Refused options: what is wrong with a value, in plain words, and options that are given twice."""

from __future__ import annotations

from collections import Counter
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


def word(command: Any) -> None:
    """Let a command say in plain words what is wrong with a value: Typer repeats what pydantic says to programmers."""
    parse = command.parse_args

    def parse_args(ctx: Any, args: list[str]) -> list[str]:
        try:
            rest: list[str] = parse(ctx, args)
        except typer.BadParameter as error:
            error.message = _in_words(error)
            raise
        return rest

    command.parse_args = parse_args


def _in_words(error: typer.BadParameter) -> str:
    causes: list[Mapping[str, Any]] = getattr(error.__cause__, "errors", list)()
    if causes and (sentence := SENTENCES.get(causes[0]["type"])):
        return sentence.format(given=causes[0]["input"], **causes[0].get("ctx", {}))
    said = error.message.removeprefix(PREFIX)
    if DAY not in said:
        return said
    return f"{said.removesuffix(DAY)} is not a day. Write it as YYYY-MM-DD, for example 2026-01-31."


def take_once(command: Any) -> None:
    """Let a command take each option once, unless it collects several: else the last one counts without a word."""
    make = command.make_parser

    def make_parser(ctx: Any) -> Any:
        parser = make(ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> tuple[dict[str, Any], list[str], list[Any]]:
            found: tuple[dict[str, Any], list[str], list[Any]] = parse(args=args)
            for name, times in Counter(str(one.opts[0]) for one in found[2] if _takes_one(one)).items():
                if times > 1 and not ctx.resilient_parsing:
                    ctx.fail(f"{name} is given {times} times. Give it once.")
            return found

        parser.parse_args = parse_args
        return parser

    command.make_parser = make_parser


def _takes_one(param: Any) -> bool:
    """Whether a second one would replace the first; a flag that can only be set says the same twice."""
    if param.param_type_name != "option" or param.multiple or param.count:
        return False
    return not param.is_flag or bool(param.secondary_opts)
