"""What Deepgram counted and charged on each day, by tag: its Management API.

Each call of ours has the key of its chunk as tag, so what others do with the same Deepgram project is told apart.
https://developers.deepgram.com/reference/manage/usage/breakdown/get and …/manage/billing/breakdown/list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import httpx
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment

from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.results import Bill, Counted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterator

SECONDS = 60
"""Most seconds of one call."""


class Projects(Protocol):
    """The part of Deepgram's client that is used: `DeepgramClient.manage.v1.projects`."""

    usage: Any
    billing: Any

    def list(self, **options: Any) -> Any:
        """The projects that the key belongs to."""


def client(key: str, url: str) -> Projects:
    """Deepgram's client for a key; every call goes to one address."""
    there = DeepgramClientEnvironment(base=url, production=url, agent=url, agent_rest=url)
    projects: Projects = DeepgramClient(api_key=key, environment=there, timeout=SECONDS).manage.v1.projects
    return projects


def read(
    projects: Projects, days: Collection[dt.date], is_ours: Callable[[str], bool], project: str = ""
) -> Bill:
    """What Deepgram counted and charged for calls of ours.

    Each day takes one call of each kind. `project` is the id of the Deepgram project; empty: the only one that the key
    belongs to.

    Raises:
        BadRequest: the key belongs to several projects, and none was named.
        ConfigurationError: the key may not read usage or billing; says what to do.
        StoreUnavailable: Deepgram did not answer.
    """
    try:
        project = project or _only_project(projects)
        usd: dict[str, float] = {}
        counted: list[Counted] = []
        for day in days:
            one = {"start": day.isoformat(), "end": day.isoformat()}
            usage = projects.usage.breakdown.get(project, **one, grouping="tags")
            billing = projects.billing.breakdown.list(project, **one, grouping=["tags"])
            counted += [
                Counted(day=day.isoformat(), tag=tag, seconds=item.hours * 3600)
                for tag, item in _tagged(usage.results)
                if is_ours(tag)
            ]
            usd[day.isoformat()] = sum(item.dollars for tag, item in _tagged(billing.results) if is_ours(tag))
    except ApiError as error:
        raise _explained(error) from None  # its text may contain the key
    except httpx.HTTPError as error:
        raise StoreUnavailable(
            f"Deepgram did not answer ({type(error).__name__}). Try again later."
        ) from error
    return Bill(usd=usd, counted=tuple(counted))


def _only_project(projects: Projects) -> str:
    found = projects.list().projects or []
    if len(found) != 1:
        named = ", ".join(f"{one.project_id} ({one.name})" for one in found) or "none"
        raise BadRequest(
            f"The key belongs to {len(found)} projects: {named}. Choose one with --deepgram-project."
        )
    return str(found[0].project_id)


def _tagged(results: Any) -> Iterator[tuple[str, Any]]:
    """Each result with its tag; calls of ours have exactly one."""
    for item in results or []:
        tags = getattr(item.grouping, "tags", None) or []
        tags = [tags] if isinstance(tags, str) else list(tags)
        if len(tags) == 1:
            yield tags[0], item


def _explained(error: ApiError) -> Exception:
    status = error.status_code or 0
    if status in {401, 403}:
        return ConfigurationError(
            f"Deepgram does not show this key what it charged ({status}): it lacks the scopes usage:read and "
            "billing:read. Create one with the role Admin or Owner at https://console.deepgram.com, and give it to this command only: "
            "DEEPGRAM_API_KEY=… dropscribe cost reconcile."
        )
    if status == 404:
        return ConfigurationError("Deepgram knows no such project: check --deepgram-project.")
    return StoreUnavailable(f"Deepgram answered with {status}. Try again later.")
