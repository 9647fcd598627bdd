"""The help texts of all commands: what Typer writes, made to fit 80 columns."""

from __future__ import annotations

from typing import Any

WIDTH = 16
"""Characters of the column that says what an option takes."""

NAMES = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "Path": "PATH"}
"""What options of these types take."""


def fit(command: Any) -> None:
    """Change what the help of a command says of its options.

    A flag takes nothing, so nothing is said of what it takes. Choices break between words only.
    """
    help_of = command.get_params

    def get_params(ctx: Any) -> list[Any]:
        return told(help_of(ctx))

    command.get_params = get_params


def told(params: list[Any]) -> list[Any]:
    """The same parameters: each option with what it takes, each argument by its name alone."""
    for one in params:
        if one.param_type_name == "argument":
            one.metavar = (one.metavar or one.name.upper()).removesuffix("...")
            one.display_type_rich = _nothing
        elif one.metavar is None:
            one.metavar = _takes(one)
    return params


def _nothing(ctx: Any) -> None:
    """The type of an argument: its name says it."""
    del ctx


def _takes(option: Any) -> str:
    if option.is_flag:
        return ""
    described = option.type_descriptor
    if described.is_choice:
        return _broken([str(getattr(one, "value", one)) for one in described.choices])
    if described.is_datetime:
        return "YYYY-MM-DD"
    bare: str = option.bare_type().removeprefix("list[").removesuffix("]")
    return str(NAMES.get(bare, bare.upper()))


def _broken(choices: list[str]) -> str:
    lines = [""]
    for one in choices[:-1]:
        part = f"{one}|"
        lines = [*lines[:-1], lines[-1] + part] if len(lines[-1] + part) <= WIDTH else [*lines, part]
    last = choices[-1]
    return "\n".join([*lines[:-1], lines[-1] + last] if len(lines[-1] + last) <= WIDTH else [*lines, last])
