"""Beside step 6: the decision as it turned out, if other engines transcribed than were chosen. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import ENGINES, HYBRID, spec
from shared.in_words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model import Chunk, Decision, Engine
    from shared.results import ChunkResult

TOOK_OVER = "transcribed parts that another engine could not."
"""Part of the warning about a chunk that was handed over, before the reasons of the other engines."""

_NUMBER = re.compile(r"\d+(\.\d+)?")


def actual_decision(decision: Decision, chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> Decision:
    """The decision with the engines that transcribed, and which ones they replaced; unchanged if none was replaced.

    `chunks` is the whole plan; the results, one for each, are in any order.
    """
    planned = {chunk.index: chunk.engine for chunk in chunks}
    others = [one for one in results if one.engine != planned[one.index]]
    if not others:
        return decision
    engines = {one.engine for one in results}
    methods = {spec(one).method for one in engines}
    models = {one.model for one in results}
    part = "all of it" if len(others) == len(results) else f"{len(others)} of {len(results)} parts"
    before = _names(planned[one.index] for one in others)
    # The results of those chunks have warnings that say which engine gave up, and why.
    why = "; the warnings say why" if any(one.warnings for one in others) else ""
    return replace(
        decision,
        method=HYBRID if len(methods) > 1 else methods.pop(),
        engine=engines.pop() if len(engines) == 1 else decision.engine,
        model=models.pop() if len(models) == 1 else decision.model,
        reason=f"{decision.reason}; {_names(one.engine for one in others)} did {part} in place of {before}{why}",
    )


def dedupe_warnings(warnings: Iterable[str]) -> tuple[str, ...]:
    """Warnings without repeats, with one for all chunks that were handed over for the same reason.

    Numbers are ignored: a reason may name the length of its chunk, and twelve hours have many chunks.
    """
    found: dict[str, str] = {}
    for line in warnings:
        found.setdefault(_NUMBER.sub("#", line) if TOOK_OVER in line else line, line)
    return tuple(found.values())


def _names(engines: Iterable[Engine]) -> str:
    found = set(engines)
    return listed((one.in_sentences for one in ENGINES.values() if one.name in found), "and")
