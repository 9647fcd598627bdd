"""What a deployment needs of a region's quotas, what the project has, and the quota request for the difference. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployment.target import Target

SERVICE = "run.googleapis.com"
L4 = "NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion"
CPU = "CpuAllocPerProjectRegion"
MEMORY = "MemAllocPerProjectRegion"

FUNCTIONS_VCPUS, FUNCTIONS_GIB = 2, 4
"""What the functions take beside the workers of a small deployment: two at work at one time."""

UNLIMITED = -1
"""How the service writes that there is no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One quota in one region."""

    id: str
    """Google's name of it."""
    in_words: str
    """What it is, for a sentence."""
    unit: str
    """What is counted, for a sentence."""
    each: int
    """The quota's own units in one of these: quotas count thousandths of a vCPU, and bytes."""
    needed: int
    """How many the deployment takes at most."""


def needed(target: Target) -> list[Quota]:
    """What a deployment takes while all of its tasks run."""
    jobs = [one for one in (target.gpu, target.cpu) if one]
    vcpus = sum(one.vcpus * one.max_tasks for one in jobs) + FUNCTIONS_VCPUS
    memory = sum(one.memory_gib * one.max_tasks for one in jobs) + FUNCTIONS_GIB
    found = [
        Quota(id=CPU, in_words="processors", unit="vCPUs", each=1000, needed=vcpus),
        Quota(id=MEMORY, in_words="memory", unit="GiB", each=2**30, needed=memory),
    ]
    if gpu := target.gpu:
        l4s = Quota(id=L4, in_words="L4s without zonal redundancy", unit="L4s", each=1, needed=gpu.max_tasks)
        found.insert(0, l4s)
    return found


def granted(infos: Iterable[Mapping[str, Any]], quota: Quota, region: str) -> int | None:
    """The project's limit for a quota in a region; None if none is listed.

    The infos are `quotaInfos` of Cloud Run, as the Cloud Quotas API lists them.
    """
    for info in infos:
        if info.get("quotaId") != quota.id:
            continue
        # The entry that names the region goes before the one for all others.
        entries = sorted(info.get("dimensionsInfos", ()), key=lambda one: not one.get("dimensions"))
        for one in entries:
            dimensions = one.get("dimensions") or {}
            where = one.get("applicableLocations") or ()
            if dimensions.get("region", region) != region or (where and region not in where):
                continue
            value = int(one.get("details", {}).get("value", 0))
            return quota.needed if value == UNLIMITED else value // quota.each
    return None


def request(quota: Quota, project: str, region: str) -> str:
    """The command that asks for what is missing."""
    return (
        f"gcloud beta quotas preferences create --project={project} --service={SERVICE} --quota-id={quota.id} "
        f"--dimensions=region={region} --preferred-value={quota.needed * quota.each}"
    )
