"""The table of docs/google-cloud.md that says who may do what."""

from __future__ import annotations

from tests.terraform.check import FILES, ROOT
from tests.terraform.deployed import Deployed

GUIDE = ROOT.parent / "docs" / "google-cloud.md"
BEGIN, END = "<!-- who may do what: made from terraform/tests/inventory.json -->", "<!-- end -->"


def table(laid: Deployed) -> str:
    """The table, a row for each account and role."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    project = laid.project
    for one in laid.grants():
        who = "whoever is in `console_members`" if one.kind == "proxy" else one.who
        who = who.removeprefix("serviceAccount:").replace("123456789012", "NUMBER")
        on = one.on.replace(project, "PROJECT")
        rows.setdefault((who, one.role, one.kind), []).append(on)
    ours = [row for row in sorted(rows) if "@" not in row[0] and row[2] != "proxy"]
    theirs = [row for row in sorted(rows) if row not in ours]
    lines = ["| account | role | on |", "|---|---|---|"]
    for who, role, kind in [*ours, *theirs]:
        own = "dropscribe-" if kind == "account" else ""
        names = ", ".join(f"`{own}{name}`" for name in sorted(rows[who, role, kind]))
        plural = (
            kind
            if len(rows[who, role, kind]) == 1
            else f"{kind.removesuffix('y')}{'ies' if kind.endswith('y') else 's'}"
        )
        account = who if kind == "proxy" else f"`{who}`" if "@" in who else f"`dropscribe-{who}`"
        itself = kind == "account" and rows[who, role, kind] == [who]
        place = "the project" if kind == "project" else "itself" if itself else f"{plural} {names}"
        lines.append(f"| {account} | `{role}` | {place} |")
    return "\n".join(lines)


def guide() -> str:
    """docs/google-cloud.md, with its table."""
    text = GUIDE.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{GUIDE.name} has no place for the table"
    return f"{before}{begin}\n\n{table(Deployed.read(FILES['everything']))}\n\n{end}{after}"
