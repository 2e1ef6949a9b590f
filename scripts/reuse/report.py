"""The record as Markdown."""

from __future__ import annotations


def table(record: dict) -> str:
    """All tables of a record."""
    return (
        "\n\n".join(
            "\n".join(part)
            for part in (_first(record), _overlap(record), _kept(record), _blend(record))
        )
        + "\n"
    )


def _first(record: dict) -> list[str]:
    lines = [
        "| tokens | KV GB | from | seconds | of prefill | floor s | share of floor | peak GB |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for one in record["contexts"]:
        full = one.get("prefill_s", float("nan"))
        rows = (
            ("nothing kept", full, None, one["prefill_peak_gb"]),
            ("host, then compute", one["host_s"], one["floor_host_s"], one["host_peak_gb"]),
            ("host, layer by layer", one["host_streamed_s"], one["floor_host_s"],
             one["host_streamed_peak_gb"]),
            ("disk", one["disk_s"], one["floor_disk_s"], None),
        )  # fmt: skip
        for name, taken, floor, most in rows:
            near = ("", "") if floor is None else (f"{floor:.3f}", f"{floor / taken:.0%}")
            high = "" if most is None else f"{most:.1f}"
            lines.append(
                f"| {one['tokens']} | {one['kv_gb']:.2f} | {name} | {taken:.3f} |"
                f" {taken / full:.3f} | {near[0]} | {near[1]} | {high} |"
            )
    return lines


def _overlap(record: dict) -> list[str]:
    lines = [
        "| tokens | question | load s | compute s | one after the other s | streamed s"
        " | efficiency |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for context in record["contexts"]:
        for one in context["overlap"]:
            lines.append(
                f"| {context['tokens']} | {one['question']} | {one['load_s']:.3f} |"
                f" {one['compute_s']:.3f} | {one['load_then_compute_s']:.3f} |"
                f" {one['streamed_s']:.3f} | {one['efficiency']:.0%} |"
            )
    return lines


def _kept(record: dict) -> list[str]:
    lines = [
        "| tokens | put s | durable s | host to device GB/s | disk GB/s | break-even host"
        " | break-even disk |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in record["contexts"]:
        even = [one[name]["break_even_tokens"] for name in ("explain_host", "explain_disk")]
        shown = ["" if value is None else f"{value:.0f}" for value in even]
        lines.append(
            f"| {one['tokens']} | {one['put_s']:.1f} | {one['durable_s']:.1f} |"
            f" {one['copy_gb_s']:.1f} | {one['disk_gb_s']:.2f} | {shown[0]} | {shown[1]} |"
        )
    return lines


def _blend(record: dict) -> list[str]:
    lines = [
        "| blending | seconds | of full | recomputed | work | peak GB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in record.get("blend", {}).items():
        if "work" in one:
            lines.append(
                f"| {name} | {one['seconds']:.3f} | {one['of_full']:.3f} |"
                f" {one['recomputed']:.3f} | {one['work']:.3f} | {one['peak_gb']:.1f} |"
            )
    return lines
