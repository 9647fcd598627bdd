"""Where what comes with the project beside its code is: the weights and the recordings of the demo."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""A checkout, an image, or the `site-packages` of an installed wheel."""


def bundled(name: str) -> Path:
    """The path of something bundled, by its path in a checkout; it need not exist.

    A wheel has it inside the package `dropscribe` (`setup.py` puts it there), because the top level of
    `site-packages` belongs to everybody.
    """
    installed = ROOT / "dropscribe" / "bundled" / name
    return installed if installed.exists() else ROOT / name
