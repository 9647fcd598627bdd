"""transcript.docx, written by python-docx: a title, warnings, and paragraphs with their times and speakers.

python-docx is imported only where a document is written. The archive is written anew with one fixed time
for all of its files, so that the same transcript gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, clock_time, one_line, speaker_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.outputs.segments import Segment

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can say."""
_NOT_XML = re.compile("[\ufffe\uffff]")
"""What XML 1.0 cannot hold of the characters that no control characters are."""


def transcript_docx(
    heading: str,
    paragraphs: Sequence[Segment],
    warnings: Sequence[str],
    language: str | None,
    names: Mapping[int, str] = NO_NAMES,
) -> bytes:
    """A document for a word processor, with the warnings in italics; `language` (BCP-47) is for its spelling check."""
    from docx import Document  # noqa: PLC0415 - loads lxml, which no other file needs
    from docx.oxml.ns import qn  # noqa: PLC0415 - as above
    from docx.oxml.parser import OxmlElement  # noqa: PLC0415 - as above

    document = Document()
    about, when = document.core_properties, dt.datetime(*EPOCH)  # noqa: DTZ001 - python-docx takes naive UTC
    about.title, about.author, about.comments = _xml(heading)[:255], "", ""
    about.created = about.modified = when
    if language:
        about.language = language
        marked = OxmlElement("w:lang")
        marked.set(qn("w:val"), language)
        document.styles["Normal"].element.get_or_add_rPr().append(marked)
    document.add_heading(_xml(heading), level=0)
    for line in map(one_line, warnings):
        document.add_paragraph().add_run(_xml(line)).italic = True
    for one in paragraphs:
        speaker = "" if one.speaker is None else f" {_xml(speaker_name(one.speaker, names))}"
        head = document.add_paragraph()
        head.paragraph_format.keep_with_next = True
        head.add_run(clock_time(one.start) + speaker).bold = True
        document.add_paragraph(_xml(one.text))
    made = io.BytesIO()
    document.save(made)
    return _timeless(made)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _timeless(archive: io.BytesIO) -> bytes:
    """The archive with the same time, system and order whenever and wherever it was written."""
    written = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(written, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o600 << 16,
            )
            new.writestr(entry, old.read(name))
    return written.getvalue()
