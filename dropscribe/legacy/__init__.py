"""For programs that were written for klipstream-analysis: its two classes, its files and its switches.

    from dropscribe.legacy import TranscriptionHandler, TranscriptionRouter

Read handlers first, then switches.

    handlers  the two classes
    switches  its environment variables as settings of Dropscribe, and where its files were
    deepgram  its files: Deepgram's JSON, and two tables

Only names and shapes are taken from there (https://github.com/Krio-Labs/klipstream-analysis); docs/legacy.md says how to
move over.
"""

from dropscribe.legacy.handlers import TranscriptionHandler, TranscriptionRouter

__all__ = ["TranscriptionHandler", "TranscriptionRouter"]
