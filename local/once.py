"""An option that is given twice is refused: otherwise the last one would count, and nobody be told."""

from __future__ import annotations

from collections import Counter
from typing import Any


def once(command: Any) -> Any:
    """The same command, or group with all its commands, which takes each option once, unless it collects several."""
    make = command.make_parser

    def make_parser(ctx: Any) -> Any:
        parser = make(ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> tuple[dict[str, Any], list[str], list[Any]]:
            found: tuple[dict[str, Any], list[str], list[Any]] = parse(args=args)
            for name, times in Counter(_name(one) for one in found[2] if _takes_one(one)).items():
                if times > 1 and not ctx.resilient_parsing:
                    ctx.fail(f"{name} is given {times} times. Give it once.")
            return found

        parser.parse_args = parse_args
        return parser

    command.make_parser = make_parser
    for inner in getattr(command, "commands", {}).values():
        once(inner)
    return command


def _takes_one(param: Any) -> bool:
    """Whether a second one would replace the first; a flag that can only be set says the same twice."""
    if param.param_type_name != "option" or param.multiple or param.count:
        return False
    return not param.is_flag or bool(param.secondary_opts)


def _name(option: Any) -> str:
    return str(option.opts[0])
