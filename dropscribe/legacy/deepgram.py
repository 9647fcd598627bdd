"""The files of the earlier pipeline: a transcript as Deepgram answers it, and two tables.

The shape of an answer: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded. `word` is in lower
case and without punctuation, `punctuated_word` as it was recognised; speakers count from 0.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from shared.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropscribe.results import Segment, Transcript, Word

EDGES = re.compile(r"^\W+|\W+$")


def answer(transcript: Transcript, now: float) -> bytes:
    """`audio_ID_transcript.json`.

    `now` is when it is written, seconds since 1970.
    """
    models = list(dict.fromkeys(part.model for part in transcript.parts))
    infos = {
        part.model: {"name": part.model, "version": part.revision, "arch": part.engine}
        for part in transcript.parts
    }
    words = transcript.words
    document = {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": transcript.recording,
            "sha256": "",
            "created": rfc3339(now, "milliseconds"),
            "duration": transcript.duration,
            "channels": 1,
            "models": models,
            "model_info": infos,
            "model": ", ".join(models),
            "warnings": list(transcript.warnings),
        },
        "results": {
            "channels": [
                {
                    "alternatives": [
                        {
                            "transcript": " ".join(word.text for word in words),
                            "confidence": round(sum(one.confidence for one in words) / len(words), 6)
                            if words
                            else 0.0,
                            "words": [_word(one) for one in words],
                            "paragraphs": {
                                "transcript": "".join(f"\n{one.text}\n" for one in transcript.paragraphs),
                                "paragraphs": [_paragraph(one, transcript) for one in transcript.paragraphs],
                            },
                        }
                    ]
                }
            ]
        },
    }
    return json.dumps(document, indent=2).encode()


def words_table(transcript: Transcript) -> bytes:
    """`audio_ID_words.csv`: `start_time,end_time,word`, times in seconds."""
    return _table("word", ((one.start, one.end, bare(one.text)) for one in transcript.words))


def paragraphs_table(transcript: Transcript) -> bytes:
    """`audio_ID_paragraphs.csv`: `start_time,end_time,text`, times in seconds."""
    return _table("text", ((one.start, one.end, one.text) for one in transcript.paragraphs))


def bare(text: str) -> str:
    """A word as Deepgram has it in `word`."""
    return EDGES.sub("", text.lower()) or text.lower()


def _word(one: Word) -> dict[str, Any]:
    return {
        "word": bare(one.text),
        "start": one.start,
        "end": one.end,
        "confidence": one.confidence,
        "punctuated_word": one.text,
        **_speaker(one),
    }


def _paragraph(one: Segment, transcript: Transcript) -> dict[str, Any]:
    # Where people talk at once, those of others are in between.
    inside = [
        each
        for each in transcript.segments
        if one.first_word <= each.first_word <= one.last_word and each.speaker == one.speaker
    ]
    words = transcript.words[one.first_word : one.last_word + 1]
    return {
        "sentences": [{"text": each.text, "start": each.start, "end": each.end} for each in inside],
        "num_words": sum(word.speaker == one.speaker for word in words),
        "start": one.start,
        "end": one.end,
        **_speaker(one),
    }


def _speaker(one: Word | Segment) -> dict[str, int]:
    return {} if one.speaker is None else {"speaker": one.speaker - 1}


def _table(what: str, rows: Iterable[tuple[float, float, str]]) -> bytes:
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(["start_time", "end_time", what])
    table.writerows(rows)
    return file.getvalue().encode()
