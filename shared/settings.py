"""The settings of a deployment, as environment variables, checked when a process starts.

`make generated` writes the table of `docs/settings.md` from it. What only one hosted engine has is in its spec
(`shared/engines.py`).
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
import platformdirs

from shared import formats
from shared.deployment_sizes import FUNCTION_DECODE_MIB
from shared.engines import ENGINES, PARAKEET_CPU, PARAKEET_GPU, Setting, choices, hosted_specs
from shared.errors import BadRequest, ConfigurationError
from shared.model import Engine, Method

if TYPE_CHECKING:
    from shared.engines import EngineSpec, HostedSpec

PATHS = {"state_dir", "inbox", "transcripts"}
BUCKETS = ("audio", "transcripts", "work")
SHORTEST_TOKEN = 16
"""Characters of a token that an operator chose."""
BY_ENGINE = ("api_keys", "addresses", "open_calls")
"""Settings with a value for each hosted engine."""
CLOUD_RUN = ("K_SERVICE", "CLOUD_RUN_JOB")
"""Variables that Cloud Run sets, for services and for jobs (cloud.google.com/run/docs/container-contract)."""

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
"""https://cloud.google.com/storage/docs/buckets#naming"""

Value = TypeVar("Value")


def _setting(env: str, default: Value, about: str, *, secret: bool = False) -> Value:
    """A field with its variable and its line of `docs/settings.md`; the value of a secret is never shown."""
    return field(default=default, repr=not secret, metadata={"variable": env, "about": about})


def _text(env: str, about: str, *, secret: bool = False) -> str:
    """A setting that is empty where it is not set."""
    return _setting(env, "", about, secret=secret)


def _by_engine(*, secret: bool = False) -> Any:
    """A field with values of hosted engines, by their names; their variables and defaults are in their specs."""
    return field(default_factory=dict, repr=not secret, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Typed settings; `Settings.from_environment()` reads and checks them."""

    platform: Literal["local", "google"] = _setting(
        "DROPSCRIBE_PLATFORM", "local", "`local`: folders and SQLite on one machine. `google`: the cloud."
    )
    project: str = _text("GOOGLE_CLOUD_PROJECT", "Project, if the platform is `google`.")
    region: str = _setting("DROPSCRIBE_REGION", "us-central1", "Region of the job that runs the workers.")
    gpu_job: str = _setting(
        "DROPSCRIBE_GPU_JOB", "dropscribe-gpu", "Name of the Cloud Run job of the workers."
    )
    cpu_job: str = _text(
        "DROPSCRIBE_CPU_JOB",
        "Name of the Cloud Run job of the workers without a GPU; unset: there is none, and the workers with a GPU "
        "do its work.",
    )
    release: str = _text(
        "DROPSCRIBE_RELEASE", "Name of the release that this process runs; records and logs carry it."
    )
    quiet: bool = _setting(
        "DROPSCRIBE_QUIET", False, "`true`: log only warnings and errors, as `dropscribe up --quiet` does."
    )
    gpu_lane: Literal["", "canary"] = _setting(
        "DROPSCRIBE_GPU_LANE", "", "`canary`: this worker takes only canary recordings."
    )
    canary_percent: float = _setting(
        "DROPSCRIBE_GPU_CANARY_PERCENT",
        0.0,
        "Share of the recordings whose chunks for a GPU go to the next release's job, `DROPSCRIBE_GPU_JOB` with "
        "`-canary` after it. `make rollout` sets it as a flag.",
    )
    database: str = _setting("DROPSCRIBE_FIRESTORE_DATABASE", "(default)", "Name of the Firestore database.")
    engines: str = _setting(
        "DROPSCRIBE_ENGINES",
        PARAKEET_CPU.name,
        "Engines that this deployment can run, separated by commas; unset, on one machine with a GPU and NeMo: "
        f"`{PARAKEET_GPU.name},{PARAKEET_CPU.name}`.",
    )
    hosted_elsewhere: str = _text(
        "DROPSCRIBE_HOSTED_ELSEWHERE",
        "Hosted engines whose keys other processes hold, separated by commas; the console quotes them but never calls "
        "them.",
    )
    state_dir: Path = _setting(
        "DROPSCRIBE_STATE_DIR",
        Path(platformdirs.user_state_dir("dropscribe")),
        "Folder for queue, records and buckets on one machine.",
    )
    inbox: Path | None = _setting(
        "DROPSCRIBE_INBOX", None, "Folder that `dropscribe up` watches; unset: the last one."
    )
    transcripts: Path | None = _setting(
        "DROPSCRIBE_TRANSCRIPTS", None, "Output folder of `dropscribe up`; unset: the last one."
    )
    follow_links: bool = _setting(
        "DROPSCRIBE_FOLLOW_LINKS", False, "`true`: `dropscribe up` follows symbolic links in its inbox."
    )
    audio_bucket: str = _text(
        "DROPSCRIBE_AUDIO_BUCKET",
        "Bucket whose uploads are transcribed; unset: `audio`, on `google` `PROJECT-audio`.",
    )
    transcripts_bucket: str = _text(
        "DROPSCRIBE_TRANSCRIPTS_BUCKET",
        "Bucket for the outputs, never one that triggers the router; unset: `transcripts`, on `google` "
        "`PROJECT-transcripts`.",
    )
    work_bucket: str = _text(
        "DROPSCRIBE_WORK_BUCKET",
        "Bucket for the results of single chunks; unset: `work`, on `google` `PROJECT-work`.",
    )
    method: Method = _setting("TRANSCRIPTION_METHOD", "auto", "`auto`, or one method for all recordings.")
    api_keys: Mapping[Engine, str] = _by_engine(secret=True)
    """API key of each hosted engine that has one here, by its name."""
    addresses: Mapping[Engine, str] = _by_engine()
    """Address of each hosted engine whose address can be chosen."""
    open_calls: Mapping[Engine, int] = _by_engine()
    """Calls that one process may have open, for each hosted engine."""
    enable_gpu: bool = _setting(
        "ENABLE_GPU_TRANSCRIPTION", True, f"`false`: nothing is sent to {PARAKEET_GPU.in_sentences}."
    )
    enable_fallback: bool = _setting(
        "ENABLE_FALLBACK", True, "`false`: if an engine cannot transcribe a chunk, no other one is tried."
    )
    rollout_percent: float = _setting(
        "ROLLOUT_PERCENT",
        100.0,
        "Share of the recordings that Parakeet may get; the rest goes to a hosted engine.",
    )
    small_minutes: float = _setting(
        "DROPSCRIBE_SMALL_FILE_MINUTES", 30.0, "Shorter recordings go to Parakeet, with or without a GPU."
    )
    short_hours: float = _setting(
        "SHORT_FILE_THRESHOLD_HOURS", 2.0, "From this length on both engines share a recording."
    )
    long_hours: float = _setting("LONG_FILE_THRESHOLD_HOURS", 4.0, "Longer recordings go to a hosted engine.")
    small_mb: float = _setting(
        "DROPSCRIBE_SMALL_FILE_MB", 50.0, "The same as the three above, by size, 10^6 bytes."
    )
    short_mb: float = _setting("DROPSCRIBE_SHORT_FILE_MB", 200.0, "See above.")
    long_mb: float = _setting("DROPSCRIBE_LONG_FILE_MB", 400.0, "See above.")
    cost_optimization: bool = _setting(
        "COST_OPTIMIZATION", False, "`true`: `auto` compares cost and waiting time, not length and size."
    )
    cost_threshold: float = _setting(
        "COST_THRESHOLD_PER_HOUR",
        0.10,
        "Maximum US dollars per hour of audio with `COST_OPTIMIZATION`, or in a hybrid.",
    )
    wait_usd_per_minute: float = _setting(
        "DROPSCRIBE_WAIT_USD_PER_MINUTE", 0.01, "Cost assigned to a minute of waiting, US dollars."
    )
    chunk_minutes: float | None = _setting(
        "CHUNK_DURATION_MINUTES",
        None,
        "Length of a chunk without overlap. Unset: depends on the engine and the recording, mostly 10.",
    )
    model: str = _setting(
        "PARAKEET_MODEL_NAME",
        "nvidia/parakeet-tdt-0.6b-v3",
        "Weights: a name, a folder with an ONNX export, or a `.nemo` file or a folder with one (NeMo).",
    )
    english_model: str = _text(
        "PARAKEET_ENGLISH_MODEL",
        "Weights for recordings whose language is given as English, such as `nvidia/parakeet-tdt-0.6b-v2`; unset: "
        "the same as for others.",
    )
    image_model: str = _text(
        "DROPSCRIBE_IMAGE_MODEL",
        "The weights that the image of a worker holds; several are separated by spaces. Its Dockerfile sets this; leave it "
        "alone.",
    )
    speaker_weights: str = _text(
        "DROPSCRIBE_SPEAKER_WEIGHTS",
        "Folder with `segmentation.onnx` and `embedding.onnx`, the networks that tell speakers apart. Unset: those of "
        "`dropscribe models pull speakers`.",
    )
    max_chunks: int | None = _setting(
        "MAX_CONCURRENT_CHUNKS",
        None,
        "Chunks that a worker holds at a time; short ones count less. Unset: twice `GPU_BATCH_SIZE`.",
    )
    batch_processing: bool = _setting(
        "ENABLE_BATCH_PROCESSING", True, "Recognise several chunks together; false: one by one."
    )
    batch_size: int | None = _setting(
        "GPU_BATCH_SIZE",
        None,
        "Chunks recognised together, at most; short ones count less. "
        "Unset: 8 on a GPU of 20 GB, 4 of 12 GB, else 2.",
    )
    cpu_threads: int | None = _setting(
        "DROPSCRIBE_CPU_THREADS", None, "Cores that a CPU worker uses. Unset: all that its process may use."
    )
    cpu_callers: int | None = _setting(
        "DROPSCRIBE_CPU_CALLERS",
        None,
        "Batches that a CPU worker runs concurrently. Unset: 2 with large weights, whose calls share all cores, else one "
        "for each core; measured on two cores, a guess on more.",
    )
    gpu_memory_limit_gb: float = _setting(
        "GPU_MEMORY_LIMIT_GB", 20.0, "GPU memory that a worker may use, weights included, 10⁹ bytes."
    )
    decode_memory_mb: int = _setting(
        "DROPSCRIBE_DECODE_MEMORY_MB",
        768,
        "Memory one decoding process may use, MiB. Unset, in a function on Cloud Run: 384.",
    )
    decode_timeout: float = _setting(
        "DROPSCRIBE_DECODE_TIMEOUT", 300.0, "Seconds one decoding process may take for a chunk."
    )
    retention_days: float | None = _setting(
        "DROPSCRIBE_RETENTION_DAYS",
        None,
        "Days after which a finished recording and all data stored about it are deleted. Unset: never.",
    )
    retention_audio: bool = _setting("DROPSCRIBE_RETENTION_AUDIO", False, "`true`: the audio is deleted too.")
    lease_seconds: float = _setting(
        "DROPSCRIBE_LEASE_SECONDS", 60.0, "Lease on a message, renewed after a third."
    )
    gpu_max_tasks: int = _setting(
        "DROPSCRIBE_GPU_MAX_TASKS", 3, "Tasks of the job that run at one time; each needs L4 quota."
    )
    cpu_max_tasks: int = _setting(
        "DROPSCRIBE_CPU_MAX_TASKS", 3, "The same for the job without a GPU; its tasks need vCPU quota."
    )
    performance_metrics: bool = _setting(
        "ENABLE_PERFORMANCE_METRICS",
        True,
        "`false`: workers send no metrics, and no process sends spans; alerts still work, from the log.",
    )
    metrics_interval: float = _setting(
        "METRICS_EXPORT_INTERVAL", 60.0, "Seconds between two exports of a worker's metrics."
    )
    stuck_minutes: float = _setting(
        "DROPSCRIBE_STUCK_MINUTES",
        10.0,
        "Minutes without progress after which the chunks of a recording are published again.",
    )
    formats: str = _text(
        "DROPSCRIBE_FORMATS",
        "Output formats that every recording gets in addition to the standard ones "
        f"({', '.join(f'`{name}`' for name in formats.STANDARD)}), separated by commas: "
        f"some of {', '.join(f'`{name}`' for name in formats.MORE)}.",
    )
    webhook_url: str = _text(
        "DROPSCRIBE_WEBHOOK_URL",
        "URL that is notified of transcripts and budgets, `https://…`; unset: no webhooks.",
        secret=True,
    )
    webhook_secret: str = _text(
        "DROPSCRIBE_WEBHOOK_SECRET",
        "Secret that signs webhooks, `whsec_…`, as `dropscribe webhook secret` generates it; while it is changed, the "
        "new one and the old one, separated by a space.",
        secret=True,
    )
    cpu_usd_per_hour: float = _setting(
        "DROPSCRIBE_CPU_USD_PER_HOUR", 0.0, "Cost of an hour of this computer, its GPU included, US dollars."
    )
    prices: str = _text(
        "DROPSCRIBE_PRICES",
        "Your own prices: the path of a TOML file, or the same as JSON text, `{...}`; unset: the list prices.",
    )
    worker_minutes: float = _setting(
        "DROPSCRIBE_WORKER_MINUTES",
        55.0,
        "Minutes after which a task of the job ends automatically: at least four less than the time-out of its tasks, "
        "which ends it without asking.",
    )
    start_delay: float = _setting(
        "DROPSCRIBE_START_DELAY", 0.0, "Seconds to wait for more work before starting a worker."
    )
    gpu_vcpus: int = _setting("DROPSCRIBE_GPU_VCPUS", 4, "vCPUs of a task of the GPU job, for its price.")
    gpu_memory_gib: float = _setting(
        "DROPSCRIBE_GPU_MEMORY_GIB", 16.0, "Memory of a task of the GPU job, GiB, for its price."
    )
    cpu_vcpus: int = _setting(
        "DROPSCRIBE_CPU_VCPUS", 4, "vCPUs of a task of the job without a GPU, for its price."
    )
    cpu_memory_gib: float = _setting(
        "DROPSCRIBE_CPU_MEMORY_GIB", 8.0, "Memory of a task of the job without a GPU, GiB, for its price."
    )
    budget_daily_usd: float = _setting(
        "DROPSCRIBE_BUDGET_DAILY_USD", 0.0, "US dollars that a day (UTC) may cost; 0: no limit."
    )
    budget_monthly_usd: float = _setting(
        "DROPSCRIBE_BUDGET_MONTHLY_USD", 0.0, "US dollars that a month may cost; 0: no limit."
    )
    budget_mode: Literal["hard", "soft"] = _setting(
        "DROPSCRIBE_BUDGET_MODE",
        "hard",
        "If a budget is used up, `hard`: recordings are held; `soft`: the cheapest method is used.",
    )

    max_file_gb: float | None = _setting(
        "DROPSCRIBE_MAX_FILE_GB", None, "Largest file that is transcribed, 10⁹ bytes; unset: any."
    )
    max_hours: float | None = _setting(
        "DROPSCRIBE_MAX_HOURS", None, "Longest recording that is transcribed, hours; unset: any."
    )
    max_recording_chunks: int = _setting("DROPSCRIBE_MAX_CHUNKS", 10_000, "Maximum chunks per recording.")
    max_request_kb: float = _setting(
        "DROPSCRIBE_MAX_REQUEST_KB", 64.0, "Largest message of a request, 10³ bytes."
    )
    request_buckets: str = _text(
        "DROPSCRIBE_REQUEST_BUCKETS",
        "Buckets that requests may name, separated by commas; unset: the one of `DROPSCRIBE_AUDIO_BUCKET`.",
    )
    function_token: str = _text(
        "DROPSCRIBE_FUNCTION_TOKEN",
        "Secret that every call of a function must carry outside Cloud Run; `dropscribe up` makes a new one at each "
        "start.",
        secret=True,
    )
    console_host: str = _setting(
        "DROPSCRIBE_CONSOLE_HOST",
        "127.0.0.1",
        "Address at which the console listens; other machines reach it at `0.0.0.0`, and then only with "
        "the token.",
    )
    console_port: int = _setting("DROPSCRIBE_CONSOLE_PORT", 8610, "Port of the console; 0: any that is free.")
    console_token: str = _text(
        "DROPSCRIBE_CONSOLE_TOKEN",
        "Secret that every request to the console must carry; unset: a new one at each start, in the "
        "URL that is printed.",
        secret=True,
    )
    console_names: str = _text(
        "DROPSCRIBE_CONSOLE_NAMES",
        "Names by which browsers may reach the console besides localhost, separated by commas; a "
        "leading dot matches all subdomains.",
    )
    iap_audience: str = _text(
        "DROPSCRIBE_IAP_AUDIENCE",
        "On Cloud Run: `/projects/NUMBER/locations/REGION/services/NAME`, which the signature of "
        "Identity-Aware Proxy must name.",
    )
    max_open_requests: int = _setting(
        "DROPSCRIBE_MAX_OPEN_REQUESTS",
        0,
        "Requests with the same label (or without one) that may wait for their answers; 0: any number.",
    )

    def __post_init__(self) -> None:
        """Check what types cannot express.

        Raises:
            ConfigurationError: names the variable and what it must be.
        """
        self._check("project", self.platform == "local" or len(self.project) >= 6, "the id of your project")
        self._name_buckets()
        self._check_engines()
        if self.method not in choices():
            raise ConfigurationError(
                f"{variable('method')} is {self.method!r}: it must be one of {', '.join(choices())}"
            )
        self._check_hosted()
        self._check(
            "request_buckets",
            all(BUCKET_NAME.fullmatch(one) for one in self.request_bucket_set),
            "names of buckets, separated by commas, without gs://",
        )
        self._check_texts()
        for name, least, most in (
            ("console_port", 0, 65535),
            ("canary_percent", 0, 100),
            ("rollout_percent", 0, 100),
        ):
            self._check(name, least <= getattr(self, name) <= most, f"from {least} to {most}")
        for name, low, high in (
            ("short_hours", self.small_minutes / 60, self.short_hours),
            ("long_hours", self.short_hours, self.long_hours),
            ("short_mb", self.small_mb, self.short_mb),
            ("long_mb", self.short_mb, self.long_mb),
        ):
            self._check(name, 0 < low <= high, f"{low:g} or more, because the threshold below it is {low:g}")
        self._check("cost_threshold", self.cost_threshold > 0, "more than 0")
        self._check("wait_usd_per_minute", self.wait_usd_per_minute >= 0, "0 or more")
        self._check(
            "chunk_minutes", self.chunk_minutes is None or 0.1 <= self.chunk_minutes <= 60, "from 0.1 to 60"
        )
        self._check("max_chunks", self.max_chunks is None or 1 <= self.max_chunks <= 1000, "from 1 to 1000")
        self._check("batch_size", self.batch_size is None or 1 <= self.batch_size <= 1024, "from 1 to 1024")
        for name, value in (("cpu_threads", self.cpu_threads), ("cpu_callers", self.cpu_callers)):
            self._check(name, value is None or 1 <= value <= 1024, "from 1 to 1024")
        self._check("gpu_memory_limit_gb", 1 <= self.gpu_memory_limit_gb <= 1000, "from 1 to 1000")
        self._check("decode_memory_mb", self.decode_memory_mb >= 256, "256 or more")
        self._check("decode_timeout", self.decode_timeout > 0, "more than 0")
        self._check(
            "retention_days", self.retention_days is None or self.retention_days > 0, "more than 0, or unset"
        )
        self._check("lease_seconds", self.lease_seconds >= 3, "3 or more")
        self._check("gpu_max_tasks", 1 <= self.gpu_max_tasks <= 10_000, "from 1 to 10000")
        self._check("cpu_max_tasks", 1 <= self.cpu_max_tasks <= 10_000, "from 1 to 10000")
        # Cloud Monitoring takes a point of a series every five seconds.
        self._check("metrics_interval", 5 <= self.metrics_interval <= 3600, "from 5 to 3600")
        self._check("stuck_minutes", self.stuck_minutes >= 1, "1 or more")
        self._check("cpu_usd_per_hour", self.cpu_usd_per_hour >= 0, "0 or more")
        self._check("worker_minutes", 1 <= self.worker_minutes <= 7 * 24 * 60, "from 1 to 10080")
        self._check("start_delay", 0 <= self.start_delay <= 3600, "from 0 to 3600")
        self._check("gpu_vcpus", 1 <= self.gpu_vcpus <= 32, "from 1 to 32")
        self._check("gpu_memory_gib", 1 <= self.gpu_memory_gib <= 256, "from 1 to 256")
        self._check("cpu_vcpus", 1 <= self.cpu_vcpus <= 8, "from 1 to 8")
        self._check("cpu_memory_gib", 1 <= self.cpu_memory_gib <= 32, "from 1 to 32")
        self._check(
            "cpu_job", not self.cpu_job or self.cpu_job != self.gpu_job, "another job than DROPSCRIBE_GPU_JOB"
        )
        self._check("max_file_gb", self.max_file_gb is None or self.max_file_gb > 0, "more than 0")
        self._check("max_hours", self.max_hours is None or self.max_hours > 0, "more than 0")
        self._check("max_recording_chunks", 1 <= self.max_recording_chunks <= 20_000, "from 1 to 20000")
        self._check("max_request_kb", 0 < self.max_request_kb <= 10_000, "more than 0, up to 10000")
        self._check("max_open_requests", self.max_open_requests >= 0, "0 or more")
        self._check("budget_daily_usd", self.budget_daily_usd >= 0, "0 or more")
        self._check("budget_monthly_usd", self.budget_monthly_usd >= 0, "0 or more")
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

    def _check_texts(self) -> None:
        """What leaves the deployment: formats of files, the page, and webhooks."""
        try:
            formats.named(self.formats)
        except BadRequest as error:
            raise ConfigurationError(f"{variable('formats')} is wrong: {error}") from error
        if 0 < len(self.console_token) < SHORTEST_TOKEN:
            raise ConfigurationError(
                f"{variable('console_token')} can be guessed: it must have at least {SHORTEST_TOKEN} characters; "
                "`openssl rand -hex 24` makes one"
            )
        # Its value is not shown: it may hold a token.
        if self.webhook_url and not _is_told_address(self.webhook_url, here=self.platform == "local"):
            raise ConfigurationError(
                f"{variable('webhook_url')} is wrong: it must be an https:// address in ASCII without a user name "
                "(http:// only to this machine)"
            )
        if (self.webhook_url or self.webhook_secret) and not (
            self.webhook_secrets and all(map(_is_webhook_secret, self.webhook_secrets))
        ):
            raise ConfigurationError(
                f"{variable('webhook_secret')} is {'wrong' if self.webhook_secret else 'not set'}: it must be whsec_ and "
                "24 to 64 bytes in base64, as `dropscribe webhook secret` prints them"
            )

    def _name_buckets(self) -> None:
        """Name the buckets without a name; in Cloud Storage with the project, because names are globally unique."""
        before = f"{self.project}-" if self.platform == "google" else ""
        for bucket in BUCKETS:
            name = f"{bucket}_bucket"
            object.__setattr__(self, name, getattr(self, name) or before + bucket)
            self._check(
                name,
                BUCKET_NAME.fullmatch(getattr(self, name)) is not None,
                "the name of a bucket, without gs://: small letters, digits, dots, hyphens, underscores",
            )

    @property
    def console_reached(self) -> str:
        """Host of the addresses at which the console is reached from this machine."""
        host = self.console_host
        if host in {"0.0.0.0", ""}:  # noqa: S104 - every address of this machine is one of them
            return "127.0.0.1"
        return f"[{'::1' if host == '::' else host}]" if ":" in host else host

    @property
    def has_cpu_job(self) -> bool:
        """Whether workers without a GPU have a job of their own."""
        return self.platform == "google" and bool(self.cpu_job)

    @property
    def request_bucket_set(self) -> frozenset[str]:
        """The buckets that requests may name, parsed."""
        return frozenset(one.strip() for one in (self.request_buckets or self.audio_bucket).split(","))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that sign webhooks: one, or two while it is changed."""
        return tuple(self.webhook_secret.split())

    @property
    def engine_set(self) -> frozenset[Engine]:
        """The engines, parsed; a hosted one is included if and only if it has a key, here or elsewhere.

        In a project Parakeet runs on a CPU only in a job of its own, or beside a GPU.
        """
        keys = (name for name, key in self.api_keys.items() if key)
        named = {*self.engines.split(","), *keys, *self.hosted_elsewhere.split(",")}
        if self.platform == "google" and not self.has_cpu_job and PARAKEET_GPU.name not in named:
            named.discard(PARAKEET_CPU.name)
        return frozenset(one for one in ENGINES if one in named)

    def _check_engines(self) -> None:
        unknown = set(self.engines.split(",")) - set(ENGINES)
        self._check("engines", not unknown, f"some of {', '.join(ENGINES)}")
        hosted = {one.name for one in hosted_specs()}
        elsewhere = set(filter(None, self.hosted_elsewhere.split(",")))
        self._check("hosted_elsewhere", elsewhere <= hosted, f"some of {', '.join(sorted(hosted))}")

    def _check_hosted(self) -> None:
        """Check the settings of each hosted engine; unset ones take its spec's defaults."""
        addresses, open_calls = dict(self.addresses), dict(self.open_calls)
        for one in hosted_specs():
            hosted, key = _hosted(one), self.api_keys.get(one.name, "")
            if not key and one.name in self.engines.split(","):
                raise ConfigurationError(f"{hosted.key_variable} is not set: it must be your API key")
            if not key.isascii() or key.split() != [key] * bool(key):
                raise ConfigurationError(f"{hosted.key_variable} is wrong: it must be one word")
            if hosted.address:
                address = addresses.setdefault(one.name, hosted.address.default)
                _must(
                    address.startswith("https://") or _is_http_here(address),
                    hosted.address.variable,
                    address,
                    "an https:// address, because the API key and the audio are sent there (http:// only to this "
                    "machine)",
                )
            calls = open_calls.setdefault(one.name, hosted.open_calls.default if hosted.open_calls else 1)
            if hosted.open_calls:
                _must(1 <= calls <= 1000, hosted.open_calls.variable, calls, "from 1 to 1000")
        object.__setattr__(self, "addresses", addresses)
        object.__setattr__(self, "open_calls", open_calls)

    def _check(self, name: str, holds: bool, must_be: str) -> None:  # noqa: FBT001 - a condition, by nature
        _must(holds, variable(name), getattr(self, name), must_be)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; unset or empty variables take their defaults.

        Raises:
            ConfigurationError: names the first variable that is wrong.
        """
        environ = os.environ if environ is None else environ
        by_engine: dict[str, Any] = {name: {} for name in BY_ENGINE}
        for engine in hosted_specs():
            for name, setting in _of_engine(engine).items():
                # A key that is pasted into a secret manager often ends with a new line.
                if text := environ.get(setting.variable, "").strip():
                    by_engine[name][engine.name] = _converted(text, type(setting.default), setting.variable)
        values: dict[str, object] = {}
        for one in fields(cls):
            if text := environ.get(one.metadata.get("variable", ""), ""):
                # Absolute, because processes that start in another folder read the same variables.
                values[one.name] = Path(text).expanduser().absolute() if one.name in PATHS else text
        if not is_text(prices := environ.get(variable("prices"), "")) and prices:
            values["prices"] = str(Path(prices).expanduser().absolute())
        on_cloud_run = any(environ.get(name) for name in CLOUD_RUN)
        if on_cloud_run and values.get("platform") == "google" and "region" not in values:
            raise ConfigurationError(f"{variable('region')} is not set: it must be the region of the jobs")
        if environ.get("K_SERVICE"):
            values.setdefault("decode_memory_mb", FUNCTION_DECODE_MIB)
        types = get_type_hints(cls)
        found = {name: _converted(value, types[name], variable(name)) for name, value in values.items()}
        return cls(**by_engine, **found)


def _must(holds: bool, name: str, value: object, must_be: str) -> None:  # noqa: FBT001 - a condition, by nature
    if not holds:
        found = "not set" if value == "" else str(value)
        raise ConfigurationError(f"{name} is {found}: it must be {must_be}")


def _converted(value: object, kind: Any, name: str) -> Any:
    try:
        if isinstance(value, str):
            value.encode()
        return msgspec.convert(value, type=kind, strict=False)
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} is wrong: it must be UTF-8") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{name} is {value!r}: it must be {wanted(kind)}") from error


def is_text(prices: str) -> bool:
    """Whether a value of DROPSCRIBE_PRICES is JSON text, and not a path."""
    return prices.lstrip().startswith("{")


def wanted(kind: Any) -> str:
    """The values that a variable of a type may have, in words."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    words = {bool: "true or false", int: "a whole number", float: "a number"}
    return next((words[one] for one in (kind, *get_args(kind)) if one in words), "a text")


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings but are not: misspelt ones, which would be ignored silently."""
    known = {one.variable for one in every()}
    return sorted(name for name in environ if name.startswith("DROPSCRIBE_") and name not in known)


def every() -> list[Setting[Any]]:
    """Every setting, in the order of `docs/settings.md`: a hosted engine's follow one another."""
    found: list[Setting[Any]] = []
    for one in fields(Settings):
        if one.name == BY_ENGINE[0]:
            found += [setting for engine in hosted_specs() for setting in _of_engine(engine).values()]
        elif one.name not in BY_ENGINE:
            found.append(Setting(default=one.default, **one.metadata))
    return found


def variable(name: str) -> str:
    """The environment variable of a setting, for messages to people."""
    return str(Settings.__dataclass_fields__[name].metadata["variable"])


def _is_http_here(address: str) -> bool:
    """Whether it is an http:// address of this machine."""
    try:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname is None:
            return False
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _is_told_address(address: str, *, here: bool) -> bool:
    """Whether webhooks may be sent to an address; `here`: on one machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address and not parts.fragment
    named = bool(parts.hostname) and parts.username is None and parts.password is None
    return plain and named and (parts.scheme == "https" or (here and _is_http_here(address)))


def _is_webhook_secret(text: str) -> bool:
    """Whether it is a secret of Standard Webhooks for HMAC-SHA256: `whsec_` and 24 to 64 bytes in base64."""
    try:
        return (
            text.startswith("whsec_")
            and 24 <= len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) <= 64
        )
    except ValueError:
        return False


def _of_engine(spec: EngineSpec) -> dict[str, Setting[Any]]:
    """The settings of a hosted engine, by the field that holds them."""
    hosted, name = _hosted(spec), spec.in_sentences
    key = Setting(variable=hosted.key_variable, default="", about=f"API key of {name}; unset: no {name}.")
    found = dict(zip(BY_ENGINE, (key, hosted.address, hosted.open_calls), strict=True))
    return {field: one for field, one in found.items() if one is not None}


def _hosted(spec: EngineSpec) -> HostedSpec:
    assert spec.hosted is not None, "asked of hosted engines only"
    return spec.hosted
