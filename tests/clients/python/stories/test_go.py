"""What the types of IRIS's published Go client make of results and events: organizations that differ in nothing but how codes are written
send the same exams, and receive from the queues that the client names. What arrived is compared in Go (tests/clients/go)."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from host import SUITES, Host
from loop import bodies, kinds, send, upload

operation = pytest.mark.operation
ROOT = SUITES.parent.parent
GO = SUITES / "go"
ENCODINGS = ["code", "numeric", "goClient"]
EXAMS = ["both-eyes", "one-eye"]
TESTS = re.findall(r"^func (Test\w+)", (GO / "results_test.go").read_text(encoding="utf-8"), re.M)
# Installed beside the packages, from a package of its own.
COMMAND = str(Path(sys.executable).with_name("go"))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The tests in Go, compiled without network, settings or caches of the person who runs them."""
    folder = tmp_path_factory.mktemp("go")
    environment = {
        "HOME": str(folder), "GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache"), "GOENV": "off", "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOWORK": "off", "CGO_ENABLED": "0", "PATH": os.environ["PATH"],
    }
    command = [COMMAND, "test", "-c", "-o", str(folder / "tests"), "."]
    done = subprocess.run(command, cwd=GO, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "tests"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """A folder with the bodies of what each organization received."""
    folder, organizations = tmp_path_factory.mktemp("documents"), tmp_path_factory.mktemp("organizations")
    for number, encoding in enumerate(ENCODINGS):
        document = organization(encoding, number)
        (organizations / f"{document['slug']}.json").write_text(json.dumps(document))
    host = Host(tmp_path_factory.mktemp("host"), 0, 0, "--organizations", str(organizations))
    try:
        callers = {each["slug"]: each for each in host.connections["organizations"]}
        # Side by side: each mostly waits.
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda encoding: receive(callers[slug(encoding)], folder / encoding), ENCODINGS))
    finally:
        host.stop()
    return folder


def slug(encoding):
    return f"go-{encoding.lower()}"


def organization(encoding, number):
    document = json.loads((ROOT / "samples/harborview.json").read_text())
    own = {"slug": slug(encoding), "name": f"{encoding} (sample)", "clientGuid": f"5a3d1e70-0000-4000-8000-0000000002{number:02}"}
    return document | own | {"interfaces": [], "drops": [], "results": {"enumEncoding": encoding}}


def receive(caller, folder):
    """Has every exam of the caller graded, and keeps what comes of it."""
    events = []
    for name in EXAMS:
        exam = json.loads((GO / "exams" / f"{name}.json").read_text())
        came, result = examine(caller, exam)
        events += came
        keep(folder / "results" / f"{name}.json", result)
    for number, event in enumerate(events):
        keep(folder / "events" / f"{number:02}.json", event)


def keep(file, body):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def examine(caller, exam):
    """The bodies of an exam's events, and that of its result."""
    events, results = [{"connectionString": caller["published"][queue], "queue": queue} for queue in ("events", "results")]
    stamp = {"ClientGuid": caller["clientGuid"]}
    for image in exam["Order"]["Camera"]["Images"]:
        image["AzureBlobStorage"]["Container"] = caller["images"]["container"]
    send(caller["orders"], exam["Order"] | stamp)
    came = bodies(events, lambda said: "OrderCreationReceipt" in kinds(said))
    for name, path in exam["Images"].items():
        upload(caller, name, (ROOT / path).read_bytes())
    came += bodies(events, lambda said: "ReadyForGradingEvent" in kinds(said)
                   and kinds(said).count("ImageReceipt") == len(exam["Images"]))
    send(caller["gradings"], exam["Grading"] | stamp)
    came += bodies(events, lambda said: "ResultsDeliveryReceipt" in kinds(said))
    result, = bodies(results, lambda said: said)
    return came, result


@operation("story-go")
def test_its_types_are_go(program):
    assert TESTS and program.exists()


@operation("story-go")
@pytest.mark.parametrize("test", TESTS)
def test_what_arrives(program, documents, test):
    environment = {"IRIS_DOCUMENTS": str(documents)}
    done = subprocess.run([program, "-test.v", "-test.run", f"^{test}$"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"--- PASS: {test}" in done.stdout, done.stdout + done.stderr
