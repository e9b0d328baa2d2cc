"""Runs plans of the OpenID Foundation's conformance suite against AuthCenter and keeps the results as a table.

    python -m tests.conformance.run --suite https://suite.example --registered registered.json basic config

The suite already runs; `register.py` has made the person and the clients. Without names every plan in `plans/` is run.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.report import Outcome, write

HERE = Path(__file__).parent
PLANS = HERE / "plans"
LONGEST = 150
"""Seconds for one module; the longest of them waits for a minute by itself."""

OVER = {"FINISHED", "INTERRUPTED"}
TOLD = {"FAILURE", "WARNING", "INTERRUPTED", "REVIEW"}
"""Results of single conditions that explain why a module did not pass."""


@dataclass
class Suite:
    """The suite's REST API."""

    client: httpx.Client
    rotate: str = ""
    """What to run where a module asks for new signing keys."""

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.client.request(method, path, **more)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def create_plan(self, name: str, variant: dict[str, str], config: dict[str, Any]) -> dict[str, Any]:
        query = {"planName": name, "variant": json.dumps(variant)}
        return self.call("POST", "/api/plan", params=query, json=config)

    def run(self, plan: str, module: dict[str, Any]) -> Outcome:
        """One module to its end, or to the longest time."""
        name, variant = module["testModule"], module.get("variant") or {}
        query = {"test": name, "plan": plan, "variant": json.dumps(variant)}
        run = self.call("POST", "/api/runner", params=query)["id"]
        started, begun, info = time.monotonic(), False, {}
        while time.monotonic() - started < LONGEST:
            info = self.call("GET", f"/api/info/{run}")
            if info["status"] in OVER:
                break
            if info["status"] == "CONFIGURED" and name == "oidcc-server-rotate-keys" and not begun:
                begun = True
                if self.rotate:
                    subprocess.run(shlex.split(self.rotate), check=True)
                self.call("POST", f"/api/runner/{run}")
            time.sleep(0.5)
        else:
            self._stop(run)
        log = self.call("GET", f"/api/log/{run}")
        result = (info.get("result") or "UNKNOWN") if info["status"] == "FINISHED" else info["status"]
        reasons = [] if result == "PASSED" else list(self._reasons(run, log))
        return Outcome(name, variant, result, reasons, round(time.monotonic() - started), run)

    def _stop(self, run: str) -> None:
        self.client.delete(f"/api/runner/{run}")
        time.sleep(2)

    def _reasons(self, run: str, log: list[dict[str, Any]]) -> Iterator[str]:
        for entry in log:
            if entry.get("result") in TOLD:
                yield f"{entry['result']} {entry.get('src', '')}: {entry.get('msg', '')}"
            if str(entry.get("msg", "")).startswith("The test was skipped: "):
                yield entry["msg"].removeprefix("The test was skipped: ")
        waiting = self.client.get(f"/api/runner/browser/{run}")
        for url in (waiting.json().get("urls") or []) if waiting.is_success else []:
            yield f"waits for a browser at {url.split('?')[0]}"


def plan_names() -> list[str]:
    return sorted(path.stem for path in PLANS.glob("*.json") if path.stem != "common")


def read_plan(name: str, registered: dict[str, Any]) -> dict[str, Any]:
    """A plan with its whole configuration: its own file, what is common, and the names of this run filled in."""
    common = json.loads((PLANS / "common.json").read_text())
    plan = json.loads((PLANS / f"{name}.json").read_text())

    def pages(names: list[str]) -> list[dict[str, Any]]:
        return [common["pages"][page] for page in names]

    override = {**common["override"], **plan.get("override", {})}
    plan["config"] = {
        **common["config"],
        **common["clients"][plan["clients"]],
        **plan.get("config", {}),
        "browser": pages(plan.get("browser", common["browser"])),
        "override": {module: {"browser": pages(names)} for module, names in override.items()},
    }
    return _filled(plan, registered)


def _filled(value: Any, registered: dict[str, Any]) -> Any:
    """`${name.name}` is what was registered under that name: a text within a text, anything where it stands alone."""
    if isinstance(value, dict):
        return {key: _filled(inner, registered) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, registered) for inner in value]
    if not isinstance(value, str):
        return value
    if alone := _NAME.fullmatch(value):
        return _named(alone, registered)
    return _NAME.sub(lambda name: str(_named(name, registered)), value)


_NAME = re.compile(r"\$\{([a-z_.]+)\}")


def _named(name: re.Match[str], registered: dict[str, Any]) -> Any:
    found: Any = registered
    for part in name[1].split("."):
        found = found[part]
    return found


def main() -> int:
    known = plan_names()
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("plans", nargs="*", metavar="PLAN", help=f"of {', '.join(known)}")
    reader.add_argument("--suite", required=True, help="address of the suite")
    reader.add_argument("--registered", required=True, type=Path, help="the file that register.py wrote")
    reader.add_argument("--module", action="append", default=[], help="only modules whose name ends so")
    reader.add_argument("--rotate", default="", help="command that makes the server sign with a new key")
    reader.add_argument(
        "--results", type=Path, default=HERE / "RESULTS.md", help="the table; plans not run keep theirs"
    )
    asked = reader.parse_args()
    if unknown := set(asked.plans) - set(known):
        reader.error(f"unknown: {', '.join(sorted(unknown))}")
    registered, bad = json.loads(asked.registered.read_text()), 0
    with httpx.Client(base_url=asked.suite, verify=False, timeout=90) as client:
        suite = Suite(client, asked.rotate)
        version = suite.call("GET", "/api/server")["version"]
        for name in asked.plans or known:
            plan = read_plan(name, registered)
            made = suite.create_plan(plan["plan"], plan["variant"], plan["config"])
            modules = [m for m in made["modules"] if not asked.module or m["testModule"].endswith(tuple(asked.module))]
            print(f"{name}: {len(modules)} modules, plan {made['id']}", flush=True)
            outcomes = []
            for module in modules:
                outcomes.append(suite.run(made["id"], module))
                print(f"  {outcomes[-1]}", flush=True)
            bad += sum(outcome.is_bad for outcome in outcomes)
            if not asked.module:
                write(asked.results, name, plan, outcomes, version)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
