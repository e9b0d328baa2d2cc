"""Put the figures of the last run of bench.against_peers into docs/performance.md, between its two marks.

python -m bench.tell [FILE.json]
"""

import json
import sys
from pathlib import Path

from bench.figures import RESULTS
from bench.peers.markdown import rendered

PAGE = RESULTS.parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- bench.tell: begin -->", "<!-- bench.tell: end -->"


def put(page: str, text: str) -> str:
    """The page with `text` between its marks. Raises `ValueError` where it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def main(kept: Path) -> None:
    told = json.loads(kept.read_text())
    PAGE.write_text(put(PAGE.read_text(), rendered(told["figures"], told["at"][:10])))
    print(PAGE)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "against_peers.json")
