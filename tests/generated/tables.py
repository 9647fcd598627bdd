"""What the guides list: settings, metrics, engines."""

from __future__ import annotations

import re

from shared.engines import ENGINES
from shared.settings import every
from shared.telemetry.metrics import METRICS
from tests.test_architecture import ROOT


def settings():
    """docs/settings.md: one row for each setting. A new one comes after the setting before it."""
    return with_rows(_text("settings.md"), dict(_settings()), r"\| `([A-Z_]+)` \|")


def _settings():
    for one in every():
        # The place of the state depends on the system.
        unsaid = one.default in {None, ""} or one.variable == "DROPSCRIBE_STATE_DIR"
        default = "" if unsaid else f"`{one.default}`"
        yield one.variable, f"| `{one.variable}` | {default} | {one.about} |"


def circle():
    """docs/fallback.md: the order of hand-overs."""
    names = ", ".join(one.in_sentences for one in ENGINES.values())
    text, count = re.subn(r"(?<=The engines form a circle: )[^.]+", names, _text("fallback.md"))
    assert count == 1, "docs/fallback.md has no place for the engines"
    return text


def metrics():
    """docs/monitoring.md: one row for each metric."""
    rows = {}
    for one in METRICS.values():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows[one.full_name] = f"| `{one.full_name}` | {one.kind} | {one.by} | {labels} | {one.about} |"
    return with_rows(_text("monitoring.md"), rows, r"\| `(dropscribe_\w+)` \|")


def with_rows(text, rows, pattern):
    """A page with these rows, by name: each where it stands, a new one after the one before it.

    Args:
        text: the page.
        rows: lines by names, in order.
        pattern: matches the beginning of any such row, with its name as group.
    """
    lines = [
        rows[found[1]] if found else line
        for line in text.splitlines()
        if not (found := re.match(pattern, line)) or found[1] in rows
    ]
    before = None
    for row in rows.values():
        if row not in lines:
            lines.insert(lines.index(before) + 1, row)
        before = row
    return "\n".join(lines) + "\n"


def _text(guide):
    return (ROOT / "docs" / guide).read_text("utf-8")
