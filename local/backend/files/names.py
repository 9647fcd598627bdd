"""Names of objects and paths of files: a reversible mapping between what each of them allows.

An object's name is any text of up to 1024 bytes; a file system takes components of up to 255 bytes and
gives `.`, `..` and the empty one a meaning of their own. A component that is a legal file name is stored
as it is. Any other becomes `%=` and its percent-encoding, in pieces of up to 255 bytes where it is too
long: all but the last are folders whose name starts with `%+`. Linux also allows file names that are not
UTF-8, which no object can be named after: in object names they stand as `%!` and a percent-encoding.

Both ways are exact inverses of each other; a file whose name starts with one of these marks without being
the mapping of any object has no name (`to_name` gives None).
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

TEMPORARY = ".dropscribe-"
"""Files whose name starts so are not objects: they are being written."""

_LONGEST = 255
_ESCAPED, _CONTINUED, _RAW = "%=", "%+", "%!"
_UNSAFE = re.compile(r"[%/\x00-\x1f\x7f]")


def to_path(name: str) -> str:
    """The path of an object's file, relative to the folder of its bucket, with `/` between components.

    Never absolute, and never out of the folder: `.`, `..` and empty components come out escaped.

    The name is any text without lone surrogates.
    """
    return "/".join(_to_file(component) for component in name.split("/"))


def to_name(path: str) -> str | None:
    """The name of the object in a file, or None where the file cannot hold one.

    The path is as `os.fsdecode` gives it, undecodable bytes as surrogates.
    """
    components: list[str] = []
    long = ""
    for piece in path.split("/"):
        if piece.startswith(_CONTINUED):
            long += piece[len(_CONTINUED) :]
        elif piece.startswith(_ESCAPED):
            quoted = long + piece[len(_ESCAPED) :]
            components.append(unquote_to_bytes(quoted).decode("utf-8", "surrogateescape"))
            long = ""
        else:
            components.append(_raw(piece) if _has_surrogates(piece) else piece)
    name = "/".join(components)
    # What was not made by `to_path` would map to another file: it has no name.
    return name if not long and not _has_surrogates(name) and to_path(name) == path else None


def _to_file(component: str) -> str:
    if component.startswith(_RAW):
        bytes_of_it = unquote_to_bytes(component[len(_RAW) :])
        original = bytes_of_it.decode("utf-8", "surrogateescape")
        if _has_surrogates(original) and _raw(original) == component and _is_plain(original):
            return original
    if _is_plain(component) and component[:2] not in {_ESCAPED, _CONTINUED, _RAW}:
        return component
    quoted = _quoted(component) if component.strip(".") else component.replace(".", "%2E")
    pieces = _pieces(quoted)
    return "/".join([_CONTINUED + piece for piece in pieces[:-1]] + [_ESCAPED + pieces[-1]])


def _is_plain(component: str) -> bool:
    """True for what every file system we run on takes as one component, as it is."""
    return (
        component not in {"", ".", ".."}
        and "\0" not in component
        and "/" not in component
        and not component.startswith(TEMPORARY)
        and len(component.encode("utf-8", "surrogateescape")) <= _LONGEST
    )


def _quoted(component: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", component)


def _raw(component: str) -> str:
    """A file name that is not UTF-8, as text that is: the bad bytes percent-encoded."""
    parts = (
        f"%{ord(letter) - 0xDC00:02X}" if _has_surrogates(letter) else _quoted(letter) for letter in component
    )
    return _RAW + "".join(parts)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _pieces(quoted: str) -> list[str]:
    """Cut where neither a character nor a percent-encoding is broken."""
    pieces, piece, size = [], "", len(_ESCAPED)
    for unit in re.findall(r"%[0-9A-F]{2}|.", quoted, re.DOTALL):
        length = len(unit.encode())
        if size + length > _LONGEST:
            pieces.append(piece)
            piece, size = "", len(_ESCAPED)
        piece += unit
        size += length
    return [*pieces, piece]
