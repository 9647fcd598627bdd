"""The Google column of ports: Cloud Storage, Firestore, Pub/Sub and Cloud Run.

The credentials are checked here, so that a process without them ends at its start; every adapter builds its
client on first use. If all of `EMULATORS` are set, the clients connect to them and need no credentials.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.adapters import credentials
from shared.adapters.cloud_run import CloudRunJobs
from shared.adapters.firestore import FirestoreRecords
from shared.adapters.gcs import GcsStore
from shared.adapters.hosted_engines import open_hosted
from shared.adapters.object_search import ObjectSearch
from shared.adapters.pubsub import PubSubQueue
from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.clock import SystemClock
from shared.ports import Ports

if TYPE_CHECKING:
    from shared.settings import Settings

EMULATORS = {"STORAGE_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"}


@dataclass(frozen=True, kw_only=True, slots=True)
class GooglePorts(Ports):
    """Ports with Google's adapters, which have to be closed."""

    store: GcsStore
    """Cloud Storage."""
    records: FirestoreRecords
    """Firestore."""
    queue: PubSubQueue
    """Pub/Sub."""
    media: MediaPool
    """FFmpeg in processes of its own."""
    search: ObjectSearch
    """Shards in Cloud Storage."""

    def close(self) -> None:
        """End the decoding processes and close every connection."""
        self.media.close()
        self.search.close()
        self.store.close()
        self.records.close()
        self.queue.close()


def open_ports(settings: Settings) -> GooglePorts:
    """The ports of a deployment in a project.

    Raises:
        ConfigurationError: there are no credentials, or they are no longer accepted.
        StoreUnavailable: Google's servers for credentials did not answer in time.
    """
    if not set(os.environ) >= EMULATORS:
        credentials.default()
    store = GcsStore(settings.project)
    records = FirestoreRecords(settings.project, settings.database)
    return GooglePorts(
        store=store,
        records=records,
        queue=PubSubQueue(settings.project),
        media=MediaPool(Limits(memory_mb=settings.decode_memory_mb, timeout_s=settings.decode_timeout)),
        gpu_jobs=CloudRunJobs(settings.project, settings.region, settings.gpu_job),
        cpu_jobs=CloudRunJobs(settings.project, settings.region, settings.cpu_job, gpu=False)
        if settings.has_cpu_job
        else None,
        canary_jobs=CloudRunJobs(settings.project, settings.region, f"{settings.gpu_job}-canary"),
        clock=SystemClock(),
        settings=settings,
        engines=settings.engine_set,
        hosted=open_hosted(settings),
        search=ObjectSearch(store, records, settings.work_bucket),
    )
