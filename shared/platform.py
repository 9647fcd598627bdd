"""Which column of ports this process uses: the one place that knows both."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.settings import Settings

if TYPE_CHECKING:
    from shared.ports import Ports


@cache
def connect() -> Ports:
    """The ports of this process, built on first use from the environment.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    settings = Settings.from_environment()
    from local.platform import open_ports  # noqa: PLC0415 - built on first use, never at import

    return open_ports(settings)
