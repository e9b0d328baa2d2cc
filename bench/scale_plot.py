"""The picture of docs/performance.md: how each cost grows with the rows. From build/bench/scale.json, written by hand.

python -m bench.scale_plot [scale.json] [picture.svg]      and prints the table as Markdown
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import RESULTS

PICTURE = RESULTS.parent.parent / "docs" / "pictures" / "scale.svg"
SHOWN = {
    "sign-in": "#8a3ffc",
    "code exchange": "#0072b2",
    "refresh": "#009e73",
    "introspection": "#e69f00",
    "userinfo": "#56b4e9",
    "client credentials": "#666666",
    "console: people": "#d55e00",
    "console: people, searched by address": "#cc79a7",
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 430, 62, 262, 24, 48
Point = tuple[int, float]


def curves(found: dict[str, Any]) -> dict[str, list[Point]]:
    """What was measured: how long it took at the median, in milliseconds, for each number of rows."""
    sizes = sorted(found["sizes"], key=int)
    return {
        what: [(int(rows), found["sizes"][rows]["costs"][what]["p50_ms"]) for rows in sizes]
        for what in found["sizes"][sizes[0]]["costs"]
    }


def picture(measured: dict[str, list[Point]]) -> str:
    """An SVG: rows to the right and milliseconds upwards, both by powers of ten."""
    drawn = {what: measured[what] for what in SHOWN if what in measured}
    rows = [point[0] for line in drawn.values() for point in line]
    costs = [point[1] for line in drawn.values() for point in line]
    least, most = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    first, last = math.log10(min(rows)), math.log10(max(rows))

    def x(count: float) -> float:
        return LEFT + (math.log10(count) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y(ms: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(ms) - least) / (most - least) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>p50 of a request by rows in the database</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_axes(sorted(set(rows)), range(least, most + 1), x, y),
    ]
    ends = _apart({what: y(line[-1][1]) for what, line in drawn.items()})
    for what, line in drawn.items():
        points = " ".join(f"{x(count):.1f},{y(ms):.1f}" for count, ms in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{SHOWN[what]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(n):.1f}" cy="{y(ms):.1f}" r="3" fill="{SHOWN[what]}"/>' for n, ms in line]
        label = f"{what}, {line[0][1]:.1f} → {line[-1][1]:.1f} ms"
        parts.append(_text(WIDTH - RIGHT + 10, ends[what] + 4, label, f'fill="{SHOWN[what]}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(rows: list[int], powers: range, x: Any, y: Any) -> Iterator[str]:
    for power in powers:
        at = y(10**power)
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#dddddd"/>'
        yield _text(LEFT - 8, at + 4, f"{10**power:g} ms", 'text-anchor="end" fill="#333333"')
    for count in rows:
        yield _text(x(count), HEIGHT - BOTTOM + 20, short(count), 'text-anchor="middle" fill="#333333"')
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    yield _text(middle, HEIGHT - 8, "people, authorizations, codes and families each", 'text-anchor="middle"')


def _apart(wanted: dict[str, float], step: float = 16) -> dict[str, float]:
    """Labels where their lines end, moved down as far as is needed to be read."""
    placed, last = {}, -math.inf
    for what in sorted(wanted, key=lambda what: wanted[what]):
        last = placed[what] = max(wanted[what], last + step)
    return placed


def _text(x: float, y: float, text: str, more: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{text}</text>'


def short(count: int) -> str:
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit:
            return f"{count // unit}{name}"
    return str(count)


def table(measured: dict[str, list[Point]]) -> str:
    sizes = [count for count, _ms in next(iter(measured.values()))]
    lines = [
        f"| p50, ms | {' | '.join(short(count) for count in sizes)} | {short(sizes[-1])} to {short(sizes[0])} |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for what, line in measured.items():
        ratio = line[-1][1] / line[0][1]
        lines.append(f"| {what} | {' | '.join(f'{ms:.1f}' for _count, ms in line)} | {ratio:.2f} × |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    source = Path(arguments[0]) if arguments else RESULTS / "scale.json"
    target = Path(arguments[1]) if len(arguments) > 1 else PICTURE
    measured = curves(json.loads(source.read_text())["figures"])
    target.write_text(picture(measured))
    print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
