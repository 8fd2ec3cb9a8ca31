"""What all suites share: the local host under test, and the record of what worked with which client."""

import functools
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from host import SUITES, Host

KNOWN = {name for group in json.loads((SUITES / "operations.json").read_text()) for name in group["operations"]}


def pytest_configure(config):
    config.addinivalue_line("markers", "operation(name): the line of the table in docs/LOCAL-HOST.md that the test proves")
    config.addinivalue_line("markers", "ours: what the local host refuses and Azurite offers")


def pytest_collection_modifyitems(items):
    for item in items:
        names = [mark.args[0] for mark in item.iter_markers("operation")]
        if not names or not KNOWN.issuperset(names):
            raise pytest.UsageError(f"{item.nodeid} proves no known operation: {names}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    results = os.environ.get("IRIS_CLIENTS_RESULTS")
    if results and (report.when == "call" or report.failed):
        with open(results, "a", encoding="utf-8") as file:
            for mark in item.iter_markers("operation"):
                line = {"operation": mark.args[0], "client": client(item), "passed": report.passed}
                file.write(json.dumps(line) + "\n")
    return report


PACKAGES = {
    "servicebus": "azure-servicebus", "blob": "azure-storage-blob", "test_pyarrow.py": "pyarrow",
    "test_proton.py": "python-qpid-proton",
}


def client(item):
    """The client a test drives, with its release: tests of a folder, or of a file, drive one."""
    path = Path(item.path)
    if path.name == "test_go.py":
        return "Go"
    if path.name == "test_rclone.py":
        return f"rclone {rclone_release()}"
    package = PACKAGES.get(path.name) or PACKAGES.get(path.parent.name)
    if package is None:
        return "Python"
    target = " on Azurite" if "IRIS_CLIENTS_STORAGE" in os.environ else ""
    return f"{package} {importlib.metadata.version(package)}{target}"


@functools.cache
def rclone_release():
    said = subprocess.run([Path(sys.executable).with_name("rclone"), "version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"v([\d.]+\d)", said)[1]


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """One local host for the whole run."""
    running = Host(tmp_path_factory.mktemp("host"))
    yield running
    running.stop()


@pytest.fixture
def name():
    """A name no other test has."""
    return f"t{uuid.uuid4().hex[:16]}"


def until(condition, limit=60):
    """Waits until the condition gives something, and gives that."""
    end = time.monotonic() + limit
    while True:
        found = condition()
        if found or time.monotonic() > end:
            assert found, "waited in vain"
            return found
        time.sleep(0.05)
