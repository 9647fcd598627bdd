"""The engines that Dropscribe knows, one spec each. A new engine needs a spec here, and an adapter if it is hosted.

Everything else reads this table: the router an engine's abilities and speed, the planner its chunk length, the
topology its topic, the ledger its price, and messages its name in a sentence. The order is that of hand-overs: a
chunk that an engine gives up goes to the next one, and from the last one to the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from shared.errors import NewerVersion
from shared.in_words import listed
from shared.model import Engine, Method

if TYPE_CHECKING:
    from collections.abc import Collection


Ability = Literal["speakers", "keyterms", "filler_words"]
"""Options of a caller that not every engine supports."""

AUTO: Method = "auto"
"""The router chooses."""

HYBRID: Method = "hybrid"
"""The method in which an engine of ours and a hosted one share a recording."""


Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting(Generic[Value]):
    """A setting of a deployment."""

    variable: str
    """Environment variable."""
    default: Value
    """Value if it is unset."""
    about: str
    """Its line of `docs/settings.md`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One price."""

    usd: float
    """US dollars per unit."""
    per: str
    """The unit."""
    source: str
    """Where it is published."""
    date: str
    """When it was read, ISO 8601."""
    least: float | None = None
    """A lower price that others quote for the same, US dollars; savings are measured with it. None: there is none."""

    @property
    def low(self) -> float:
        """The lowest price that is quoted, US dollars."""
        return self.usd if self.least is None else self.least


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSize:
    """Size of chunks for some hardware."""

    seconds: float
    """Length of a chunk of a recording of ordinary length, seconds."""
    together: int
    """Number of chunks whose windows are recognised together."""
    from_gb: float = 0.0
    """Least memory of the accelerator for this size, 10⁹ bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """Expected speed of an engine, used until it has been measured in this deployment."""

    rtfx: float
    """Real-time factor: seconds of audio per second, one chunk or batch at a time."""
    start: float
    """Seconds from the decision to start it until it works; 0 if it always runs."""
    source: str
    """Where the figures come from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Largest audio of one call of a hosted engine."""

    url_bytes: int
    """Most bytes that it reads from an address."""
    seconds: float
    """Most seconds of audio in one call: longer audio takes too long, and is charged for without a transcript."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedSpec:
    """The properties that only a hosted engine has: one that a provider runs and charges for."""

    weights: str
    """Weights to use, by the provider's name."""
    key_variable: str
    """Environment variable with its API key; the deployment has the engine if and only if it is set."""
    adapter: str
    """Module with `open_engine(settings, key) -> shared.ports.HostedEngine`; imported with the first call."""
    library: str
    """Package that the adapter imports, for `dropscribe doctor`."""
    extra: str
    """The extra that installs it: `pip install 'dropscribe[EXTRA]'`."""
    prices: dict[str, Price]
    """Per minute of audio. `minute`: one language; `minute_multilingual`: several in one recording, instead of it;
    `minute_speakers` and `minute_keyterms`: surcharges for these options. A price file sets each as `ENGINE_NAME`,
    e.g. `deepgram_minute`."""
    limits: Limits
    """Limits of one call."""
    console: str
    """Address of the page where API keys are created."""
    address: Setting[str] | None = None
    """Its address, in `Settings.addresses`; None if it cannot be chosen."""
    open_calls: Setting[int] | None = None
    """Number of calls that one process may have open, in `Settings.open_calls`; None: one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSpec:
    """One engine."""

    name: Engine
    """Name in settings, messages, documents and the ledger."""
    in_sentences: str
    """Name in sentences: `Parakeet on a GPU`."""
    method: Method
    """The method that callers ask for; several engines may share one."""
    method_in_sentences: str
    """Name of the method in sentences: `Parakeet`."""
    topic: str
    """Topic of its chunk messages."""
    subscription: str
    """Subscription that its workers pull from, or that pushes to the function of hosted engines."""
    chunks: tuple[ChunkSize, ...]
    """Sizes of its chunks, largest memory first."""
    shorter_when_short: bool = False
    """Whether chunks of a short recording are half as long, so that several are transcribed in parallel."""
    longer_when_long: bool = True
    """Whether chunks of a long recording are half as long again, so that there are fewer seams."""
    abilities: frozenset[Ability] = field(default_factory=frozenset)
    """The options that it supports."""
    expected: Expected
    """Its speed."""
    needs_gpu: bool = False
    """Whether ENABLE_GPU_TRANSCRIPTION switches it off."""
    canary_topic: str = ""
    """Topic of the chunks that the next release's workers take while it is rolled out; empty: it has no such lane."""
    canary_subscription: str = ""
    """Subscription that the next release's workers pull from."""
    own_pool: bool = False
    """Whether its workers run in a job of their own if the deployment names one."""
    hosted: HostedSpec | None = None
    """Set if it is hosted; our workers run all others, at the price of their machine."""


_TODAY = "2026-11-20"
_DEEPGRAM = "deepgram.com/pricing, nova-3, pre-recorded, pay as you go"
_DEEPGRAM_MORE = "deepgram.com/pricing, add-ons, pay as you go, as others quote it, some for streaming only"
_MINUTE = "minute of audio"

PARAKEET_GPU = EngineSpec(
    name="parakeet-gpu",
    in_sentences="Parakeet on a GPU",
    method="parakeet",
    method_in_sentences="Parakeet",
    topic="chunks-gpu",
    subscription="gpu-worker",
    canary_topic="chunks-gpu-canary",
    canary_subscription="gpu-worker-canary",
    chunks=(
        ChunkSize(seconds=600.0, together=8, from_gb=20.0),
        ChunkSize(seconds=300.0, together=4, from_gb=12.0),
        ChunkSize(seconds=180.0, together=2),
    ),
    shorter_when_short=True,
    abilities=frozenset({"speakers", "keyterms"}),
    expected=Expected(
        rtfx=222.0,
        start=30.0,
        source="the middle of what is published for NeMo on long recordings on an L4 (209 to 238)",
    ),
    needs_gpu=True,
)

PARAKEET_CPU = EngineSpec(
    name="parakeet-cpu",
    in_sentences="Parakeet on a CPU",
    method="parakeet",
    method_in_sentences="Parakeet",
    topic="chunks-cpu",
    subscription="cpu-worker",
    # On a CPU windows are recognised one by one: short chunks gain nothing, and cost their overlap.
    chunks=(ChunkSize(seconds=600.0, together=2),),
    abilities=frozenset({"speakers"}),
    expected=Expected(
        rtfx=10.0, start=30.0, source="a careful guess for 0.6 billion parameters on four cores"
    ),
    own_pool=True,
)

DEEPGRAM = EngineSpec(
    name="deepgram",
    in_sentences="Deepgram",
    method="deepgram",
    method_in_sentences="Deepgram",
    topic="chunks-deepgram",
    subscription="deepgram",
    # A call has no fixed price, but overlap is paid for twice.
    chunks=(ChunkSize(seconds=3600.0, together=1),),
    longer_when_long=False,
    abilities=frozenset({"speakers", "keyterms", "filler_words"}),
    expected=Expected(rtfx=100.0, start=0.0, source="a careful guess: an hour in 36 seconds"),
    hosted=HostedSpec(
        weights="nova-3",
        key_variable="DEEPGRAM_API_KEY",
        adapter="shared.adapters.engines.deepgram",
        library="deepgram",
        extra="deepgram",
        prices={
            # Sources of the same month quote both. What is spent counts with the higher, what is saved with the lower.
            "minute": Price(
                usd=0.0077, least=0.0043, per=_MINUTE, source=f"{_DEEPGRAM}, monolingual", date=_TODAY
            ),
            "minute_multilingual": Price(
                usd=0.0092, least=0.0052, per=_MINUTE, source=f"{_DEEPGRAM}, multilingual", date=_TODAY
            ),
            "minute_speakers": Price(usd=0.0020, per=_MINUTE, source=_DEEPGRAM_MORE, date=_TODAY),
            "minute_keyterms": Price(usd=0.0013, per=_MINUTE, source=_DEEPGRAM_MORE, date=_TODAY),
        },
        limits=Limits(
            # https://developers.deepgram.com/docs/pre-recorded-audio
            url_bytes=2_000_000_000,
            # At 53 times real time they take nine minutes, the most for one delivery.
            seconds=8 * 3600.0,
        ),
        console="https://console.deepgram.com",
        address=Setting(
            variable="DROPSCRIBE_DEEPGRAM_URL",
            default="https://api.deepgram.com",
            about="URL of Deepgram: its cloud, or your own installation.",
        ),
        open_calls=Setting(
            variable="DROPSCRIBE_DEEPGRAM_CONCURRENCY",
            default=5,
            about="Maximum concurrent Deepgram calls per process.",
        ),
    ),
)

ENGINES: dict[Engine, EngineSpec] = {one.name: one for one in (PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM)}
"""The table, in the order of hand-overs."""


def spec(name: Engine) -> EngineSpec:
    """One engine.

    Raises:
        NewerVersion: there is none with that name.
    """
    try:
        return ENGINES[name]
    except KeyError:
        raise NewerVersion(f"there is no engine {name!r}: this version knows {', '.join(ENGINES)}") from None


def is_hosted(name: Engine) -> bool:
    """Whether an engine is hosted; False for an unknown one."""
    found = ENGINES.get(name)
    return found is not None and found.hosted is not None


def hosted_specs(among: Collection[Engine] | None = None) -> list[EngineSpec]:
    """The hosted engines (of `among`; None: all), in the order of the table."""
    return [one for one in ENGINES.values() if one.hosted and (among is None or one.name in among)]


def own_specs() -> list[EngineSpec]:
    """The engines that our workers run, in the order of the table."""
    return [one for one in ENGINES.values() if one.hosted is None]


def able(ability: Ability) -> list[EngineSpec]:
    """The engines that support an option."""
    return [one for one in ENGINES.values() if ability in one.abilities]


def supported_by(ability: Ability) -> str:
    """The same in a sentence: `Parakeet on a GPU and Deepgram`."""
    return listed((one.in_sentences for one in able(ability)), "and")


def methods() -> list[Method]:
    """Every method that can transcribe a recording; the router prefers the first of equal ones."""
    ours = dict.fromkeys(one.method for one in own_specs())
    theirs = dict.fromkeys(one.method for one in hosted_specs())
    return [*ours, *([HYBRID] if ours and theirs else []), *theirs]


def choices() -> list[Method]:
    """Every method that a caller may ask for: `auto` first, the hybrid last."""
    # Sorted by a flag, which keeps the order of all others.
    return [AUTO, *sorted(methods(), key=lambda one: one == HYBRID)]


def of_method(method: Method) -> list[EngineSpec]:
    """The engines behind a method, in the order of the table; for a hybrid all of them."""
    return [one for one in ENGINES.values() if method in {HYBRID, one.method}]


def method_title(method: Method) -> str:
    """Name of a method in a list of choices: `Automatic`, `Parakeet`, `Hybrid`."""
    return {AUTO: "Automatic", HYBRID: "Hybrid"}.get(method) or method_name(method)


def method_name(method: Method) -> str:
    """Name of a method in a sentence: `Parakeet`, `Parakeet and Deepgram together`."""
    if method == HYBRID:
        ours, theirs = own_specs()[0], hosted_specs()[0]
        return f"{ours.method_in_sentences} and {theirs.method_in_sentences} together"
    return next((one.method_in_sentences for one in ENGINES.values() if one.method == method), method)
