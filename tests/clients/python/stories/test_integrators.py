"""The Python and curl snippets of docs/INTEGRATORS.md, run as they stand there, one after the other."""

import os
import re
import subprocess
import sys

import pytest

from host import SUITES

operation = pytest.mark.operation
ROOT = SUITES.parent.parent
GUIDE = (ROOT / "docs/INTEGRATORS.md").read_text(encoding="utf-8")


def snippets(language):
    """The snippets of a language, each with the heading of its part."""
    part, found = None, []
    for match in re.finditer(rf"^## ([^\n]+)$|^```{language}\n(.*?)^```$", GUIDE, re.M | re.S):
        if match[1]:
            part = match[1]
        else:
            found.append((part, match[2]))
    return found


def run(command, snippet, caller):
    environment = os.environ | {
        "ORDERS": caller["orders"]["connectionString"],
        "ORDERS_URL": caller["ordersHttp"]["url"],
        "EVENTS": caller["events"]["connectionString"],
        "DROPS": caller["drops"]["url"],
        "RESULTS": caller["receipts"]["url"],
    }
    done = subprocess.run([*command, snippet], env=environment, cwd=ROOT, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@operation("story-guide")
def test_the_python_snippets(host):
    said = {}
    for part, snippet in snippets("python"):
        said[part] = run([sys.executable, "-c"], snippet, host.caller)
    assert said["Post an order"] == "sent\n"
    assert said["Drop a file"].endswith("rows, 0 failed\n")
    assert "OrderCreationReceipt HV-FIRST-1" in said["Read events"]
    fixed = said["Fix rejected rows"].splitlines()
    assert (fixed[0], fixed[-1]) == ("1 failed", "1 created") and "two-digit-year" in fixed[1]


@operation("story-guide")
def test_the_curl_snippets(host):
    said = [run(["sh", "-c"], snippet, host.caller) for _, snippet in snippets("sh")]
    assert said[0] == "sent\n"
    dropped, *receipts = said[1].splitlines()
    assert dropped == "dropped"
    # That of the Python snippet is among them.
    assert any(name.startswith("receipts/december.csv.") for name in receipts)
