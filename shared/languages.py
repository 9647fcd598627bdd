"""Languages: their names, the alphabet of each, and which of them published weights know."""

from __future__ import annotations

from typing import Literal

SEVERAL = "mul"
"""BCP-47 code of several languages in one recording."""

NAMES = {
    "en": "english", "zh": "chinese", "de": "german", "es": "spanish", "ru": "russian", "ko": "korean",
    "fr": "french", "ja": "japanese", "pt": "portuguese", "tr": "turkish", "pl": "polish", "ca": "catalan",
    "nl": "dutch", "ar": "arabic", "sv": "swedish", "it": "italian", "id": "indonesian", "hi": "hindi",
    "fi": "finnish", "vi": "vietnamese", "he": "hebrew", "uk": "ukrainian", "el": "greek", "ms": "malay",
    "cs": "czech", "ro": "romanian", "da": "danish", "hu": "hungarian", "ta": "tamil", "no": "norwegian",
    "th": "thai", "ur": "urdu", "hr": "croatian", "bg": "bulgarian", "lt": "lithuanian", "la": "latin",
    "mi": "maori", "ml": "malayalam", "cy": "welsh", "sk": "slovak", "te": "telugu", "fa": "persian",
    "lv": "latvian", "bn": "bengali", "sr": "serbian", "az": "azerbaijani", "sl": "slovenian", "kn": "kannada",
    "et": "estonian", "mk": "macedonian", "br": "breton", "eu": "basque", "is": "icelandic", "hy": "armenian",
    "ne": "nepali", "mn": "mongolian", "bs": "bosnian", "kk": "kazakh", "sq": "albanian", "sw": "swahili",
    "gl": "galician", "mr": "marathi", "pa": "punjabi", "si": "sinhala", "km": "khmer", "sn": "shona",
    "yo": "yoruba", "so": "somali", "af": "afrikaans", "oc": "occitan", "ka": "georgian", "be": "belarusian",
    "tg": "tajik", "sd": "sindhi", "gu": "gujarati", "am": "amharic", "yi": "yiddish", "lo": "lao",
    "uz": "uzbek", "fo": "faroese", "ht": "haitian creole", "ps": "pashto", "tk": "turkmen", "nn": "nynorsk",
    "mt": "maltese", "sa": "sanskrit", "lb": "luxembourgish", "my": "myanmar", "bo": "tibetan", "tl": "tagalog",
    "mg": "malagasy", "as": "assamese", "tt": "tatar", "haw": "hawaiian", "ln": "lingala", "ha": "hausa",
    "ba": "bashkir", "jw": "javanese", "su": "sundanese", "yue": "cantonese", "ga": "irish",
}  # fmt: skip
"""English names in small letters by code (ISO 639), as Whisper's tokenizer has them (github.com/openai/whisper)."""

INT8 = ":int8"
"""At the end of a name of weights: these in 8 bits, for processors; made once from the export that is here."""
_EUROPEAN = "bg hr cs da nl en et fi fr de el hu it lv lt mt pl pt ro ru sk sl es sv uk"
WEIGHTS: dict[str, tuple[str, ...]] = {
    "nvidia/parakeet-tdt-0.6b-v3": tuple(_EUROPEAN.split()),
    "nvidia/parakeet-tdt-0.6b-v2": ("en",),
    "tiny": ("en",),
}
"""The languages that published weights know, by their name, from the page of each."""

Alphabet = Literal["latin", "cyrillic", "greek"]
"""Alphabets that weights of several languages mix up."""

_CYRILLIC = frozenset({"bg", "ru", "uk"})


def primary(code: str) -> str:
    """The language of a BCP-47 code without script and region: `pt` for `pt-BR`."""
    return code.split("-", maxsplit=1)[0].lower()


def name(code: str) -> str:
    """Its English name in a sentence, such as `German`; the code itself if it has none here."""
    found = NAMES.get(primary(code))
    return found.title() if found else code


def listed(codes: tuple[str, ...]) -> str:
    """Languages with names and codes in a sentence: `English (en) and French (fr)`; one without a name is its code."""
    *others, last = (code if name(code) == code else f"{name(code)} ({code})" for code in codes)
    return f"{', '.join(others)} and {last}" if others else last


def of_weights(weights: str) -> tuple[str, ...] | None:
    """The languages that some weights know, in any form of theirs such as `:int8`; None if they are not published ones."""
    return WEIGHTS.get(weights.removesuffix(INT8))


def lacking(language: str | None, weights: str) -> bool:
    """Whether a language is known not to be one of those of some weights. Several at once take weights of several."""
    known = of_weights(weights)
    if not language or known is None:
        return False
    code = primary(language)
    return len(known) == 1 if code == SEVERAL else code not in known


def alphabet(language: str) -> Alphabet | None:
    """The alphabet that a language of Parakeet's is written in; None for others, and for several at once."""
    code = primary(language)
    if code == "el":
        return "greek"
    if code in _CYRILLIC:
        return "cyrillic"
    return "latin" if code in WEIGHTS["nvidia/parakeet-tdt-0.6b-v3"] else None
