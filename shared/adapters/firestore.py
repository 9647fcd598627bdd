"""Records over Firestore: creates that know their own writes, and updates that compare and set.

An update reads the document and writes it on the condition that it was not written since (its
`update_time`), instead of opening a transaction around the two. On one document the effect is the same; it
is one request fewer, there is no lock that a killed process leaves behind, and writers who meet simply try
again. Measured with 8 writers of 10 updates each on one document of the emulator: 80 of 80 in 0.8 s, against
3 of 80 in 101 s with transactions.

Each write carries a token of its own in the field `_writes`. A reply that was lost therefore costs nothing:
a repeated `create` that meets a document with its own token has made it, and a repeated `update` that meets
its own token is done.
"""

from __future__ import annotations

import math
import os
import random
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions as google
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import credentials
from shared.adapters.firestore_documents import (
    OURS,
    checked,
    fields_of,
    from_stored,
    marks,
    path_of,
    to_stored,
    tokens_of,
)
from shared.adapters.google_errors import PATIENCE, RPC_SECONDS, retrying, translated
from shared.errors import BadRequest, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from shared.adapters.firestore_documents import Snapshot
    from shared.ports import Fields

API = "firestore.googleapis.com"
PAGE = 300
"""Documents of one request of a query."""


class FirestoreRecords:
    """Documents in collections; safe to use from several threads.

    Implements `shared.ports.Records`. The client is built on first use, after any fork. Needs
    roles/datastore.user on the project. With FIRESTORE_EMULATOR_HOST set it talks to that address, without
    credentials. `docs/data-model.md` lists collections, fields and the indexes to create.

    Raises:
        BadRequest: what is written is no JSON, or more than a document holds (1 MiB); a condition cannot be compared.
        ConfigurationError: every method: there is no such database, no right to it, or an index is missing; says which.
        StoreUnavailable: every method: no answer in time; what was to be written or deleted may have been.
    """

    def __init__(self, project: str, database: str = "(default)") -> None:
        self.project = project
        self.database = database
        self._lock = threading.Lock()
        self._built: firestore.Client | None = None

    def create(self, collection: str, key: str, fields: Fields) -> bool:
        """Write a document that does not exist yet; False, and nothing written, where it does.

        Retried until it has an answer, and then still true to itself: where an earlier try of this very call
        wrote the document and only its reply was lost, the answer is True.
        """
        token = secrets.token_hex(8)
        stored = to_stored(fields) | marks(collection, token, token)
        failed: list[Exception] = []
        with self._translated("creating", collection, key):
            document = self._document(collection, key)
            try:
                document.create(stored, retry=retrying(on_error=failed.append), timeout=RPC_SECONDS)
            except google.AlreadyExists:
                # No other process can have our token, and without an earlier try neither can the document.
                return bool(failed) and tokens_of(self._read(document)).get("first") == token
        return True

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """One document, or None."""
        with self._translated("reading", collection, key):
            snapshot = self._read(self._document(collection, key))
        return fields_of(snapshot) if snapshot.exists else None

    def update(
        self, collection: str, key: str, change: Callable[[dict[str, Any]], Fields | None]
    ) -> dict[str, Any] | None:
        """Read, change and write one document, on the condition that no other process wrote it meanwhile.

        Tried again, after a random pause that grows, while others write the same document. The change of one
        call is never applied twice, also where a reply is lost.

        Raises:
            StoreUnavailable: also if others kept writing for half a minute, or the fate of the write cannot be told:
                others have written since.
        """
        token = secrets.token_hex(8)
        in_doubt: Snapshot | None = None
        failure: Exception | None = None
        for _ in _tries():
            with self._translated("updating", collection, key):
                document = self._document(collection, key)
                snapshot = self._read(document)
            if not snapshot.exists:
                return None
            if tokens_of(snapshot).get("last") == token:
                return fields_of(snapshot)
            if in_doubt is not None and snapshot.update_time != in_doubt.update_time:
                raise StoreUnavailable(
                    f"updating {collection}/{key}: the reply was lost and others have written since, so it "
                    "cannot be told whether the change was made; look at the document and try again"
                )
            changed = change(fields_of(snapshot))
            if changed is None:
                return fields_of(snapshot)
            try:
                with self._translated("updating", collection, key):
                    return self._replace(document, snapshot, changed, token)
            except _MetAnotherError as error:
                failure = error
            except StoreUnavailable as error:
                in_doubt, failure = snapshot, error
        raise StoreUnavailable(
            f"updating {collection}/{key}: no success within {PATIENCE:.0f} s; others write it too often, or "
            "Firestore does not answer; it may work the next time"
        ) from failure

    def delete(self, collection: str, key: str, *, seen: Fields | None = None) -> bool:
        """Delete one document; False, with nothing deleted, if there is none or it is not as it was seen.

        Where the reply of an earlier try was lost and the document is gone now, it counts as deleted by this call.
        With `seen` it is read first, and deleted on the condition that it was not written since.
        """
        failed: list[Exception] = []
        option: firestore.ExistsOption | firestore.LastUpdateOption = firestore.ExistsOption(exists=True)
        with self._translated("deleting", collection, key):
            document = self._document(collection, key)
            if seen is not None:
                snapshot = self._read(document)
                if not snapshot.exists or fields_of(snapshot) != seen:
                    return False
                option = firestore.LastUpdateOption(snapshot.update_time)
            try:
                document.delete(option=option, retry=retrying(on_error=failed.append), timeout=RPC_SECONDS)
            except google.NotFound:
                return bool(failed)
            except google.FailedPrecondition:
                # Others have written since: what is there now is not what was seen.
                return bool(failed) and not self._read(document).exists
        return True

    def query(
        self, collection: str, where: Fields | None = None, *, after: str = ""
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys and documents whose top-level fields equal all of `where`, in order of their keys, from `after` on.

        Reads pages of 300 documents. Firestore merges its automatic indexes for this: none need be created.
        """
        with self._translated("querying", collection):
            query = self._matching(collection, where).order_by("__name__").limit(PAGE)
        while True:
            with self._translated("querying", collection):
                rest = query.start_after({"__name__": self._document(collection, after)}) if after else query
                page = list(rest.stream(retry=retrying(), timeout=PATIENCE))
            for snapshot in page:
                yield snapshot.id, fields_of(snapshot)
            if len(page) < PAGE:
                return
            after = page[-1].id

    def newest(
        self,
        collection: str,
        by: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """Up to `limit` of the documents `query` would give, those with the highest numbers in a field first.

        Those after the page that ended with the number and key `before`. With conditions it needs a composite index
        of their fields and `by`, descending, or one for each field: Firestore merges them.
        """
        with self._translated("querying", collection):
            path = path_of(by)
            # Numbers only: texts would come before them, and what has no such field does not come at all.
            numbers = self._matching(collection, where).where(filter=FieldFilter(path, ">=", -math.inf))
            found = numbers.order_by(path, direction=firestore.Query.DESCENDING)
            # The index has the keys of equal numbers in this order.
            found = found.order_by("__name__", direction=firestore.Query.DESCENDING).limit(limit)
            if before is not None:
                found = found.start_after(
                    {path: before[0], "__name__": self._document(collection, before[1])}
                )
            page = list(found.stream(retry=retrying(), timeout=PATIENCE))
        return [(snapshot.id, fields_of(snapshot)) for snapshot in page]

    def count(self, collection: str, where: Fields | None = None) -> int:
        """How many documents `query` would give, counted by the service."""
        with self._translated("counting", collection):
            wanted: Any = self._matching(collection, where).count(alias="n")
            ((found,),) = wanted.get(retry=retrying(), timeout=PATIENCE)
        return int(found.value)

    def sum(self, collection: str, field: str, where: Fields | None = None) -> float:
        """Sum of a numeric field over the documents `query` would give; missing fields count 0.

        Summed by the service, in its order: the last digit may differ from another order's. With conditions
        it needs a composite index of their fields and `field`.
        """
        with self._translated("summing", collection):
            wanted: Any = self._matching(collection, where).sum(path_of(field), alias="n")
            ((found,),) = wanted.get(retry=retrying(), timeout=PATIENCE)
        return float(found.value)

    def close(self) -> None:
        """Close the connection."""
        if self._built is not None:
            self._built.close()  # type: ignore[no-untyped-call]  # the library left it untyped

    def _replace(
        self,
        document: firestore.DocumentReference,
        snapshot: Snapshot,
        changed: Fields,
        token: str,
    ) -> dict[str, Any]:
        """Write all fields of a document that is still as it was read."""
        stored = to_stored(changed)
        gone = set(snapshot.to_dict() or {}) - {*stored, *OURS}
        write: dict[str, Any] = {path_of(name): firestore.DELETE_FIELD for name in gone}
        write |= {path_of(name): value for name, value in stored.items()}
        write |= marks(document.parent.id, tokens_of(snapshot).get("first"), token)
        unchanged = firestore.LastUpdateOption(snapshot.update_time)
        try:
            # The library's own retries would hide that a try has failed, and with it the doubt.
            document.update(write, option=unchanged, retry=None, timeout=RPC_SECONDS)
        except (google.FailedPrecondition, google.NotFound, google.Aborted) as error:
            raise _MetAnotherError from error
        return from_stored(stored)

    def _matching(
        self, collection: str, where: Fields | None
    ) -> firestore.Query | firestore.CollectionReference:
        query: firestore.Query | firestore.CollectionReference = self._client().collection(
            checked(collection)
        )
        for name, wanted in (where or {}).items():
            if wanted is not None and not isinstance(wanted, (str, int, float)):
                raise BadRequest(
                    f"cannot look for {name} = {wanted!r}: only text, numbers, booleans and None"
                )
            query = query.where(filter=FieldFilter(path_of(name), "==", wanted))
        return query

    def _read(self, document: firestore.DocumentReference) -> Snapshot:
        return document.get(retry=retrying(), timeout=RPC_SECONDS)

    def _document(self, collection: str, key: str) -> firestore.DocumentReference:
        return self._client().collection(checked(collection)).document(checked(key))

    def _client(self) -> firestore.Client:
        with self._lock:
            if self._built is None:
                # None lets the library choose, which for the emulator is none.
                who = None if os.environ.get("FIRESTORE_EMULATOR_HOST") else credentials.default()
                self._built = firestore.Client(self.project, credentials=who, database=self.database)
            return self._built

    def _translated(self, doing: str, collection: str, key: str = "") -> AbstractContextManager[None]:
        return translated(
            f"{doing} {collection}{'/' if key else ''}{key} in Firestore of project {self.project}",
            api=API,
            missing=f"Create the database: terraform apply, or gcloud firestore databases create "
            f"--database='{self.database}' --location=… --project={self.project}",
            role=f"roles/datastore.user on project {self.project}",
        )


class _MetAnotherError(Exception):
    """Another process wrote the document first."""


def _tries() -> Iterator[int]:
    """Numbers from 0, with random pauses in between that grow to two seconds, until patience ends."""
    until = time.monotonic() + PATIENCE
    tries = 0
    while time.monotonic() < until:
        yield tries
        time.sleep(random.uniform(0, min(2.0, 0.02 * 2.0 ** min(tries, 10))))  # noqa: S311 - spreads load, hides nothing
        tries += 1
