"""The language of the tiny model: 163 words of simple English, and a grammar of seven sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return text.split("|")


DIGITS = _words("zero one two three four five six seven eight nine")
TEENS = _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = _words("january february march april may june july august september october november december")
CITIES = _words("london paris berlin madrid rome tokyo boston chicago denver seattle")
SPELLING = _words(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike "
    "oscar papa quebec romeo sierra tango uniform victor whiskey yankee zulu"
)
PERSONS = _phrases(
    "the customer|the driver|the manager|our team|the doctor|my brother|the pilot|the office|she|he|they|we"
)
VERBS = _phrases(
    "called about|will ship|has cancelled|wants to return|is waiting for|signed for|asked for|paid for"
    "|lost|found"
)
OBJECTS = _phrases(
    "the order|the package|the invoice|the ticket|a blue box|a red car|the green door|the contract"
    "|two tickets|the last train|a black case|some coffee"
)
ENDINGS = _phrases(
    "today|tomorrow|this morning|last night|in the evening|as soon as possible|without a problem"
    "|for the second time"
)


def sentence(choose: random.Random) -> str:  # noqa: PLR0911 - one return for each template
    """One sentence without punctuation, e.g. `the driver lost the invoice near rome today`.

    The order of the draws is part of the recipe: the same generator gives the same sentence.

    Args:
        choose: source of every choice.
    """
    kind = choose.random()
    if kind < 0.35:
        return _event(choose)
    if kind < 0.5:
        return f"order number {_digits(choose, 2, 7)}"
    if kind < 0.6:
        call_sign = f"{choose.choice(SPELLING)} {choose.choice(SPELLING)} {_number(choose)}"
        return f"flight {call_sign} leaves for {choose.choice(CITIES)} on {choose.choice(DAYS)}"
    if kind < 0.7:
        day = f"{choose.choice(DAYS)} {choose.choice(MONTHS)} {_number(choose)}"
        hour = f"{_number(choose)} {choose.choice(['in the morning', 'in the evening', 'sharp'])}"
        return f"the meeting is on {day} at {hour}"
    if kind < 0.8:
        return f"the total is {_number(choose)} dollars and {_number(choose)} cents"
    if kind < 0.9:
        return " ".join(choose.choice(SPELLING) for _ in range(choose.randint(2, 6)))
    digits = _digits(choose, 3, 7)
    return f"please call {digits} and ask for {choose.choice(SPELLING)} {choose.choice(DIGITS)}"


def vocabulary() -> set[str]:
    """Every word that `sentence` can produce."""
    phrases = [*DIGITS, *TEENS, *TENS, *DAYS, *MONTHS, *CITIES, *SPELLING]
    phrases += [*PERSONS, *VERBS, *OBJECTS, *ENDINGS]
    phrases += ["order number", "flight leaves for on", "the meeting is on at in the morning evening sharp"]
    phrases += ["the total is dollars and cents", "please call and ask for", "hundred", "from to in near"]
    return {word for phrase in phrases for word in phrase.split()}


def _event(choose: random.Random) -> str:
    words = f"{choose.choice(PERSONS)} {choose.choice(VERBS)} {choose.choice(OBJECTS)}"
    if choose.random() < 0.5:
        words += f" {choose.choice(['from', 'to', 'in', 'near'])} {choose.choice(CITIES)}"
    if choose.random() < 0.5:
        words += " " + choose.choice(ENDINGS)
    return words


def _number(choose: random.Random) -> str:
    kind = choose.random()
    if kind < 0.3:
        return choose.choice(DIGITS)
    if kind < 0.5:
        return choose.choice(TEENS)
    if kind < 0.6:
        return choose.choice(TENS)
    if kind < 0.85:
        return f"{choose.choice(TENS)} {choose.choice(DIGITS[1:])}"
    hundreds = f"{choose.choice(DIGITS[1:])} hundred"
    return f"{hundreds} and {choose.choice(TENS)}" if choose.random() < 0.5 else hundreds


def _digits(choose: random.Random, fewest: int, most: int) -> str:
    return " ".join(choose.choice(DIGITS) for _ in range(choose.randint(fewest, most)))
