"""The record as Markdown."""

from __future__ import annotations

from decoding.kinds import AWAY
from decoding.pages import PAGE, PAGES


def table(record: dict) -> str:
    """The record as Markdown."""
    lines = [
        "| context | kind | cache GB | ms/token | tokens/s | floor ms | share of floor | peak GB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for context, kinds in record["contexts"].items():
        for kind, one in kinds.items():
            if "ms_per_token" not in one:
                continue
            lines.append(
                f"| {context} | {kind} | {one['cache_gb']:.2f} | {one['ms_per_token']:.2f} "
                f"| {one['tokens_per_second']:.0f} | {one['floor_ms']:.2f} "
                f"| {one['share_of_floor']:.1%} | {one['peak_gb']:.1f} |"
            )
    lines += ["", "| context | prefill s | prefill peak GB | transformers ms/token | its peak GB |"]
    lines.append("|---|---:|---:|---:|---:|")
    for context, kinds in record["contexts"].items():
        if one := kinds.get("prefill"):
            lines.append(
                f"| {context} | {one['prefill_seconds']:.2f} | {one['prefill_peak_gb']:.1f} "
                f"| {one['transformers_ms_per_token']:.1f} | {one['transformers_peak_gb']:.1f} |"
            )
    lines += fetches(record)
    return "\n".join([*lines, "", *checks(record.get("check"))]) + "\n"


def fetches(record: dict) -> list[str]:
    """Of the kinds that fetch: both floors, and the link."""
    lines = ["", "| context | kind | in the host GB | fetched GB | link GB/s | kernel alone GB/s "
             "| device floor ms | link floor ms |", "|---|---|" + "---:|" * 6]  # fmt: skip
    for context, kinds in record["contexts"].items():
        for kind in AWAY:
            if one := kinds.get(kind):
                lines.append(
                    f"| {context} | {kind} | {one['host_gb']:.1f} | {one['fetched_gb']:.3f} "
                    f"| {one['link_gb_per_second']:.1f} | {one['fetch_gb_per_second']:.1f} "
                    f"| {one['device_floor_ms']:.2f} | {one['link_floor_ms']:.2f} |"
                )
    return [*lines, "", f"{PAGES} pages of {PAGE} tokens a head and layer are attended to."]


def checks(found: dict | None) -> list[str]:
    if not found:
        return []
    lines = ["| small float32 model, channels a head | distance | same token | passes |"]
    lines.append("|---|---:|---:|---|")
    for name, one in found["small_float32"].items():
        same = f"{one['same_token']:.0%}"
        lines.append(f"| {name} | {one['distance']:.1e} | {same} | {one['passes']} |")
    lines += [
        "",
        "| kind | our distance | transformers' | our same token | transformers' | passes |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for kind, one in found["bfloat16_8b"].items():
        lines.append(
            f"| {kind} | {one['ours']:.4f} | {one['transformers']:.4f} "
            f"| {one['same_token_ours']:.0%} | {one['same_token_transformers']:.0%} "
            f"| {one['passes']} |"
        )
    return lines
