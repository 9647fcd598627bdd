"""The Cloud Storage column for the contract tests: one server for all tests, buckets for each."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from functools import partial
from unittest import mock

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from test_utils.prefixer import Prefixer

from shared.adapters.gcs import GcsStore

PROJECT = "dropscribe-tests"
BUCKETS = ("audio", "transcripts", "work")
NAMES = Prefixer("dropscribe", "contract", separator="-")


def column(request, _folder):
    """How to open the port on buckets of their own, and how to let time pass."""
    address = request.getfixturevalue("gcs_address")
    prefix = NAMES.create_prefix()
    endpoint = {"api_endpoint": f"http://{address}"}
    with storage.Client(PROJECT, AnonymousCredentials(), client_options=endpoint) as client:
        for bucket in BUCKETS:
            client.create_bucket(f"{prefix}-{bucket}")
    return partial(reopen, address, prefix), time.sleep


@contextlib.contextmanager
def reopen(address, prefix):
    """Open the port on the buckets with a prefix."""
    with mock.patch.dict(os.environ, {"STORAGE_EMULATOR_HOST": f"http://{address}"}):
        opened = GcsStore(PROJECT)
        try:
            yield Prefixed(opened, prefix)
        finally:
            opened.close()


class Prefixed:
    """A store whose buckets bear other names on the server, where everybody's lie side by side."""

    def __init__(self, store, prefix):
        self._store = store
        self._prefix = prefix

    def stat(self, bucket, name):
        found = self._store.stat(self._there(bucket), name)
        return found and replace(found, bucket=bucket)

    def read(self, source, start, length):
        return self._store.read(replace(source, bucket=self._there(source.bucket)), start, length)

    def create(self, bucket, name, data, content_type):
        return self._store.create(self._there(bucket), name, data, content_type)

    def create_all(self, bucket, objects):
        return self._store.create_all(self._there(bucket), objects)

    def stage(self, bucket):
        return self._store.stage(self._there(bucket))

    def create_from(self, bucket, name, file, **more):
        made = self._store.create_from(self._there(bucket), name, file, **more)
        return made and replace(made, bucket=bucket)

    def delete(self, bucket, name, generation):
        return self._store.delete(self._there(bucket), name, generation)

    def load(self, bucket, name):
        return self._store.load(self._there(bucket), name)

    def signed_url(self, source, seconds):
        return self._store.signed_url(replace(source, bucket=self._there(source.bucket)), seconds)

    def upload_url(self, bucket, name, **more):
        return self._store.upload_url(self._there(bucket), name, **more)

    def list(self, bucket, prefix=""):
        for one in self._store.list(self._there(bucket), prefix):
            yield replace(one, bucket=bucket)

    def _there(self, bucket):
        return f"{self._prefix}-{bucket}"
