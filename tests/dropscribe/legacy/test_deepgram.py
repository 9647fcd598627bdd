from __future__ import annotations

import json

import pytest

from dropscribe import results
from dropscribe.legacy import deepgram
from shared.outputs import render
from tests.outputs.streams import said_by, spoken, transcript


def of(words):
    [output] = render(transcript(words), ["json"])
    return results.transcript_of(output.data, usd=0.0, outputs={})


SAID = of(said_by(spoken("Good day! How's it? Well.", pace=0.5, pauses={3: 3.0}), [1, 1, 1, 1, 2]))


def test_the_answer_has_the_shape_of_deepgrams():
    found = json.loads(deepgram.answer(SAID, 1_700_000_000.25))
    assert found == {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": "abcdefghijklmnopqrstuvwxyz",
            "sha256": "",
            "created": "2023-11-14T22:13:20.250Z",
            "duration": 5.5,
            "channels": 1,
            "models": ["tiny"],
            "model_info": {"tiny": {"name": "tiny", "version": "r1", "arch": "parakeet-cpu"}},
            "model": "tiny",
            "warnings": [],
        },
        "results": {
            "channels": [
                {
                    "alternatives": [
                        {
                            "transcript": "Good day! How's it? Well.",
                            "confidence": 0.9,
                            "words": [
                                word("good", 0.0, "Good", 0),
                                word("day", 0.5, "day!", 0),
                                word("how's", 1.0, "How's", 0),
                                word("it", 1.5, "it?", 0),
                                word("well", 5.0, "Well.", 1),
                            ],
                            "paragraphs": {
                                "transcript": "\nGood day! How's it?\n\nWell.\n",
                                "paragraphs": [
                                    {
                                        "sentences": [
                                            {"text": "Good day!", "start": 0.0, "end": 1.0},
                                            {"text": "How's it?", "start": 1.0, "end": 2.0},
                                        ],
                                        "num_words": 4,
                                        "start": 0.0,
                                        "end": 2.0,
                                        "speaker": 0,
                                    },
                                    {
                                        "sentences": [{"text": "Well.", "start": 5.0, "end": 5.5}],
                                        "num_words": 1,
                                        "start": 5.0,
                                        "end": 5.5,
                                        "speaker": 1,
                                    },
                                ],
                            },
                        }
                    ]
                }
            ]
        },
    }


def word(bare, start, text, speaker):
    return {
        "word": bare, "start": start, "end": start + 0.5, "confidence": 0.9, "punctuated_word": text, "speaker": speaker,
    }  # fmt: skip


def test_without_speakers_there_is_no_field_for_them():
    found = deepgram.answer(of(spoken("Good day!")), 0.0)
    assert b"speaker" not in found


def test_the_tables_have_the_columns_of_the_pipeline():
    assert deepgram.words_table(SAID).decode().split("\r\n") == [
        "start_time,end_time,word",
        "0.0,0.5,good",
        "0.5,1.0,day",
        "1.0,1.5,how's",
        "1.5,2.0,it",
        "5.0,5.5,well",
        "",
    ]
    assert deepgram.paragraphs_table(SAID).decode().split("\r\n") == [
        "start_time,end_time,text",
        "0.0,2.0,Good day! How's it?",
        "5.0,5.5,Well.",
        "",
    ]


def test_silence_gives_empty_files():
    silent = of([])
    [alternative] = json.loads(deepgram.answer(silent, 0.0))["results"]["channels"][0]["alternatives"]
    assert (alternative["transcript"], alternative["confidence"], alternative["words"]) == ("", 0.0, [])
    assert deepgram.words_table(silent) == b"start_time,end_time,word\r\n"


@pytest.mark.parametrize(
    ("text", "bare"), [("“Oslo,”", "oslo"), ("e.g.", "e.g"), ("42.", "42"), ("—", "—"), ("Ça?", "ça")]
)
def test_a_bare_word_has_no_punctuation_around_it(text, bare):
    assert deepgram.bare(text) == bare
