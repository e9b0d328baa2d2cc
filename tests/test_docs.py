"""The shell examples of the documentation, run as they stand against a running server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", ["app-developers.md", "api-developers.md"])
def test_the_examples_run(server, page):
    examples = re.findall(r"^```bash\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) >= 1
    assert shutil.which("jq") and shutil.which("curl"), "the examples need curl and jq"
    script = "set -euo pipefail\n" + "\n".join(examples)
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "DATA_DIR": str(server.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_between_pages_leads_somewhere():
    for page in [DOCS.parent / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|<)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
