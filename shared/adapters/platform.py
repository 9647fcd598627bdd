"""The Google column of ports: Cloud Storage, Firestore, Pub/Sub and Cloud Run.

Nothing connects here: every adapter builds its client on first use. Where `STORAGE_EMULATOR_HOST`,
`FIRESTORE_EMULATOR_HOST` and `PUBSUB_EMULATOR_HOST` are set, the clients go there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.cloud_run import CloudRunJobs
from shared.adapters.firestore import FirestoreRecords
from shared.adapters.gcs import GcsStore
from shared.adapters.pubsub import PubSubQueue
from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.clock import SystemClock
from shared.ports import Ports

if TYPE_CHECKING:
    from shared.settings import Settings


def open_ports(settings: Settings) -> Ports:
    """The ports of a deployment in a project."""
    return Ports(
        store=GcsStore(settings.project),
        records=FirestoreRecords(settings.project, settings.database),
        queue=PubSubQueue(settings.project),
        media=MediaPool(Limits(memory_mb=settings.decode_memory_mb, timeout_s=settings.decode_timeout)),
        gpu_jobs=CloudRunJobs(settings.project, settings.region, settings.gpu_job),
        clock=SystemClock(),
        settings=settings,
        engines=settings.engine_set,
    )
