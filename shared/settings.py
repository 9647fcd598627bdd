"""Everything a deployment can choose, as environment variables, checked when a process starts.

`docs/settings.md` is this table for people; a test keeps the two the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args, get_type_hints

import msgspec
import platformdirs

from shared.errors import ConfigurationError
from shared.model import Engine, RequestedMethod

if TYPE_CHECKING:
    from collections.abc import Mapping


PATHS = {"state_dir", "inbox", "transcripts"}


def _env(name: str, about: str) -> dict[str, str]:
    return {"env": name, "about": about}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Typed settings; `Settings.from_environment()` reads and checks them."""

    platform: Literal["local", "google"] = field(
        default="local",
        metadata=_env(
            "DROPSCRIBE_PLATFORM", "`local`: folders and SQLite on one machine. `google`: the cloud."
        ),
    )
    project: str = field(
        default="", metadata=_env("GOOGLE_CLOUD_PROJECT", "Project, where the platform is `google`.")
    )
    region: str = field(
        default="us-central1", metadata=_env("DROPSCRIBE_REGION", "Region of the job that runs the workers.")
    )
    gpu_job: str = field(
        default="dropscribe-gpu",
        metadata=_env("DROPSCRIBE_GPU_JOB", "Name of the Cloud Run job of the workers."),
    )
    database: str = field(
        default="(default)", metadata=_env("DROPSCRIBE_FIRESTORE_DATABASE", "Name of the Firestore database.")
    )
    engines: str = field(
        default="parakeet-cpu",
        metadata=_env("DROPSCRIBE_ENGINES", "Engines that this deployment can run, with commas between."),
    )
    state_dir: Path = field(
        default=Path(platformdirs.user_state_dir("dropscribe")),
        metadata=_env("DROPSCRIBE_STATE_DIR", "Folder for queue, records and buckets on one machine."),
    )
    inbox: Path | None = field(
        default=None,
        metadata=_env("DROPSCRIBE_INBOX", "Folder that `dropscribe up` watches; unset: as before."),
    )
    transcripts: Path | None = field(
        default=None,
        metadata=_env("DROPSCRIBE_TRANSCRIPTS", "Where `dropscribe up` puts transcripts; unset: as before."),
    )
    audio_bucket: str = field(
        default="audio", metadata=_env("DROPSCRIBE_AUDIO_BUCKET", "Bucket whose uploads are transcribed.")
    )
    transcripts_bucket: str = field(
        default="transcripts",
        metadata=_env(
            "DROPSCRIBE_TRANSCRIPTS_BUCKET", "Bucket for the outputs. Never one that triggers the router."
        ),
    )
    work_bucket: str = field(
        default="work", metadata=_env("DROPSCRIBE_WORK_BUCKET", "Bucket for the results of single chunks.")
    )
    method: RequestedMethod = field(
        default="auto", metadata=_env("TRANSCRIPTION_METHOD", "`auto`, or one method for all recordings.")
    )
    chunk_minutes: float = field(
        default=10.0, metadata=_env("CHUNK_DURATION_MINUTES", "Length of a chunk; overlap comes on top.")
    )
    model: str = field(
        default="nvidia/parakeet-tdt-0.6b-v3",
        metadata=_env("PARAKEET_MODEL_NAME", "Weights: a name, or a folder with an ONNX export."),
    )
    max_chunks: int = field(
        default=4, metadata=_env("MAX_CONCURRENT_CHUNKS", "Chunks a worker holds decoded at one time.")
    )
    batch_size: int = field(
        default=8, metadata=_env("GPU_BATCH_SIZE", "Windows of audio recognised in one call, at most.")
    )
    decode_memory_mb: int = field(
        default=768,
        metadata=_env("DROPSCRIBE_DECODE_MEMORY_MB", "Memory one decoding process may use, MiB."),
    )
    decode_timeout: float = field(
        default=300.0,
        metadata=_env("DROPSCRIBE_DECODE_TIMEOUT", "Seconds one decoding process may take for a chunk."),
    )
    lease_seconds: float = field(
        default=60.0, metadata=_env("DROPSCRIBE_LEASE_SECONDS", "Lease on a message, renewed at a third.")
    )
    cpu_usd_per_hour: float = field(
        default=0.0,
        metadata=_env("DROPSCRIBE_CPU_USD_PER_HOUR", "What an hour of this computer costs you, US dollars."),
    )

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            ConfigurationError: names the variable and what it may be.
        """
        self._check("project", self.platform == "local" or len(self.project) >= 6, "the id of your project")
        unknown = set(self.engines.split(",")) - set(get_args(Engine))
        self._check("engines", not unknown, f"some of {', '.join(get_args(Engine))}")
        self._check("chunk_minutes", 0.1 <= self.chunk_minutes <= 60, "from 0.1 to 60")
        self._check("max_chunks", 1 <= self.max_chunks <= 1000, "from 1 to 1000")
        self._check("batch_size", 1 <= self.batch_size <= 1024, "from 1 to 1024")
        self._check("decode_memory_mb", self.decode_memory_mb >= 256, "256 or more")
        self._check("decode_timeout", self.decode_timeout > 0, "more than 0")
        self._check("lease_seconds", self.lease_seconds >= 3, "3 or more")
        self._check("cpu_usd_per_hour", self.cpu_usd_per_hour >= 0, "0 or more")
        self._check(
            "work_bucket",
            self.work_bucket != self.audio_bucket,
            "another bucket than DROPSCRIBE_AUDIO_BUCKET, or every result would trigger the router",
        )
        self._check(
            "transcripts_bucket",
            self.transcripts_bucket != self.audio_bucket,
            "another bucket than DROPSCRIBE_AUDIO_BUCKET, or every transcript would trigger the router",
        )

    @property
    def engine_set(self) -> frozenset[Engine]:
        """The engines, parsed."""
        return frozenset(one for one in get_args(Engine) if one in self.engines.split(","))

    def _check(self, name: str, holds: bool, must_be: str) -> None:  # noqa: FBT001 - a condition, by nature
        if not holds:
            value = getattr(self, name)
            found = "not set" if value == "" else str(value)
            raise ConfigurationError(f"{variable(name)} is {found}: it must be {must_be}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; variables that are unset or empty take their defaults.

        Raises:
            ConfigurationError: names the first variable that is wrong.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, object] = {}
        for one in fields(cls):
            text = environ.get(one.metadata["env"], "")
            if text:
                # Absolute: processes that are started elsewhere read the same variables.
                values[one.name] = Path(text).expanduser().absolute() if one.name in PATHS else text
        types = get_type_hints(cls)
        for name, value in values.items():
            try:
                msgspec.convert(value, type=types[name], strict=False)
            except msgspec.ValidationError as error:
                raise ConfigurationError(f"{variable(name)} is {value!r}: {error}") from error
        return msgspec.convert(values, type=cls, strict=False)


def variable(name: str) -> str:
    """The environment variable of a setting, for messages to people."""
    return next(str(one.metadata["env"]) for one in fields(Settings) if one.name == name)
