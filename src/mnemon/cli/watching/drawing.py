"""A frame → what a terminal shows."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mnemon.cli import layout
from mnemon.cli.ids import short
from mnemon.cli.watching.frame import Frame
from mnemon.cube import Event

_COLORS = {
    "add": "green", "import": "green", "restore": "green", "update": "blue", "link": "blue",
    "derive": "blue", "forget": "yellow", "purge": "red",
}  # fmt: skip
_NAMESPACES = 8
_WIDE = 90
_EVENTS = 20


def draw(frame: Frame, width: int, height: int | None) -> RenderableType:
    """The whole frame for a terminal of `width` columns; `height` None is no end."""
    forms, rates, names = _forms(frame), _rates(frame), _namespaces(frame)
    if width >= _WIDE:
        above, taken = [_row(forms, rates, names)], max(t.row_count for t in (forms, rates, names))
    else:
        above = [_row(forms, rates), names]
        taken = max(forms.row_count, rates.row_count) + names.row_count + 1
    notes = [Text(f"not told: {one}", style="yellow") for one in frame.untold]
    room = _EVENTS if height is None else max(3, height - taken - len(notes) - 5)
    events = frame.events[:room]
    return Group(_head(frame), Text(), *above, Text(), _journal(events), *notes)


def _row(*tables: Table) -> Table:
    row = Table.grid(padding=(0, 3))
    row.add_row(*tables)
    return row


def _head(frame: Frame) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append("mnemon top", style="bold")
    head.append(f"  {frame.at:%Y-%m-%d %H:%M:%S} UTC  ", style="dim")
    where = "" if frame.namespace is None else f"{frame.namespace} in "
    return head.append(layout.line(where + frame.store))


def _forms(frame: Frame) -> Table:
    table = _table("FORM", "COUNT", "STALE", "BYTES")
    table.add_row("text", f"{frame.cubes:,}", "", "")
    for one in frame.forms:
        stale = Text(f"{one.stale:,}", style="yellow") if one.stale else Text()
        table.add_row(Text(layout.line(one.form)), f"{one.count:,}", stale, _bytes(one.bytes))
    sizes = frame.sizes
    if sizes:
        table.add_row("whole store", f"{sizes['cubes']:,}", "", _bytes(sizes.get("file_bytes")))
        table.add_row("  versions", f"{sizes['versions']:,}", "", "")
        table.add_row("  links", f"{sizes['links']:,}", "", "")
        table.add_row("  log", "", "", _bytes(sizes.get("log_bytes")))
    return table


def _rates(frame: Frame) -> Table:
    table = _table("LAST MINUTE", "PER SECOND")
    rates = frame.rates
    for name, rate in (
        ("added", rates.added), ("changed", rates.changed), ("forgotten", rates.forgotten),
        ("read", rates.reads),
    ):  # fmt: skip
        table.add_row(name, "–" if rate is None else f"{rate:.1f}")
    if "reads" in frame.sizes:
        table.add_row("reads in all", f"{frame.sizes['reads']:,}")
    return table


def _namespaces(frame: Frame) -> Table:
    table = _table("NAMESPACE", "CUBES")
    for path, count in frame.namespaces[:_NAMESPACES]:
        table.add_row(Text(layout.line(path)), f"{count:,}")
    rest = frame.namespaces[_NAMESPACES:]
    if rest:
        table.add_row(f"{len(rest)} more", f"{sum(count for _, count in rest):,}", style="dim")
    return table


def _journal(events: tuple[Event, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, room in (("AT", 8), ("VERB", 7), ("ACTOR", 8), ("CUBE", 12), ("NAMESPACE", 14)):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=room, max_width=24)
    table.add_column("DETAIL", no_wrap=True, overflow="ellipsis")
    for event in events:
        table.add_row(*_cells(event))
    if not events:
        table.add_row("none yet", style="dim")
    return table


def _cells(event: Event) -> tuple[Text, ...]:
    cube = short(event.cube) if event.cube else ""
    detail = (f"{name} {layout.line(str(told))[:12]}" for name, told in event.detail.items())
    return (
        Text(f"{event.at:%H:%M:%S}"),
        Text(event.verb, style=_COLORS.get(event.verb, "")),
        Text(layout.line(event.actor)),
        Text(f"{cube} v{event.version}" if event.version else cube),
        Text(layout.line(event.namespace or "")),
        Text(", ".join(detail)),
    )


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first, no_wrap=True, overflow="ellipsis", max_width=32)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _bytes(value: int | None) -> str:
    if value is None:
        return ""
    told = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if told < 1000:
            return f"{told:.0f} {unit}" if unit == "B" or told >= 100 else f"{told:.1f} {unit}"
        told /= 1000
    return f"{told:.1f} TB"
