"""What the functions and jobs of a project need on Cloud Run: memory, requests at a time, time-outs. Pure.

Terraform's values are made from these. A function decodes untrusted files, so as many decoders as it
serves requests may each take all that they are allowed, and its memory must hold them and the function itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.engines import hosted_specs

FUNCTION_DECODE_MIB = 384
"""Most memory of one decoder in a function (unless `DROPSCRIBE_DECODE_MEMORY_MB` is set), MiB. Usual files take about 65; a
worker, which has 8 GiB or more, allows 768."""

FUNCTION_PROCESS_MIB = 256
"""What a function takes for itself and Google's clients, MiB: about 170, and room for its answers."""

HOUR_OF_AUDIO_MIB = 205
"""An hour of samples and the FLAC that is sent, MiB: 115 MB and at most 100 MB."""

TASK_TIMEOUT_MINUTES = 60
"""Time-out of a task of the GPU job: the most that Cloud Run allows with a GPU. `DROPSCRIBE_WORKER_MINUTES` is less."""

TASK_ENDING_MINUTES = 4
"""What a worker may take from the end of its time to its own end: it finishes what it holds, and Cloud Run counts the
start of the container, which the worker does not see."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSize:
    """One function on Cloud Run."""

    memory_mib: int
    """Memory of an instance, MiB."""
    requests: int
    """Requests that an instance serves at one time."""
    decodes: bool
    """Whether a request may start a decoder."""
    audio_hours: float = 0.0
    """Most hours of decoded audio that an instance holds (`shared/hosted/audio_budget.py`)."""

    @property
    def most_mib(self) -> float:
        """Memory that it takes at most, MiB."""
        decoders = self.requests * FUNCTION_DECODE_MIB if self.decodes else 0
        return FUNCTION_PROCESS_MIB + decoders + self.audio_hours * HOUR_OF_AUDIO_MIB


def functions() -> dict[str, FunctionSize]:
    """The functions by the names of their services, without `dropscribe-`."""
    hosted = FunctionSize(memory_mib=2048, requests=2, decodes=True, audio_hours=2.5)
    return {
        "router": FunctionSize(memory_mib=2048, requests=4, decodes=True),
        "requests": FunctionSize(memory_mib=2048, requests=4, decodes=True),
        "merger": FunctionSize(memory_mib=2048, requests=4, decodes=False),
        # A dead letter about the last chunk of a recording has it merged here.
        "dead-letters": FunctionSize(memory_mib=2048, requests=4, decodes=False),
        "sweeper": FunctionSize(memory_mib=2048, requests=1, decodes=True),
        "guard": FunctionSize(memory_mib=1024, requests=1, decodes=False),
        **{one.name: hosted for one in hosted_specs()},
    }
