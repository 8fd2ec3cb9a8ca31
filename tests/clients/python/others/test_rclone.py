"""rclone, with a signature for the account (of its other ways only the usual port is one) and with what the host prints for a caller."""

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from conftest import until
from host import SUITES

operation = pytest.mark.operation

# Installed beside the packages, from a package of its own.
RCLONE = str(Path(sys.executable).with_name("rclone"))


class Rclone:
    def __init__(self, **settings):
        settings = {f"RCLONE_AZUREBLOB_{name.upper()}": value for name, value in settings.items()}
        # No settings of the person who runs the tests.
        self.environment = {"PATH": os.environ["PATH"], "RCLONE_CONFIG": os.devnull, "HOME": "/nonexistent"} | settings

    def __call__(self, *arguments, ok=True, refused=None):
        command = [RCLONE, "--retries", "1", "--low-level-retries", "1", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0) == (ok and refused is None), f"{command}: {done.stderr}"
        assert refused is None or refused in done.stderr, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def rclone(account):
    name, key, endpoint = account
    token = generate_account_sas(
        name, key, ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True),
        datetime.now(timezone.utc) + timedelta(hours=1),
    )
    return Rclone(sas_url=f"{endpoint}?{token}")


@pytest.fixture
def folder(tmp_path):
    for path, content in {"a.csv": b"LocalId\n1\n", "deeper/ü b.txt": b"x" * 10_000_000, "empty": b""}.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    return tmp_path


@operation("other-put")
def test_copy_both_ways(rclone, container, folder, tmp_path_factory):
    rclone("copy", str(folder), f":azureblob:{container}", "--azureblob-chunk-size", "4Mi")
    back = tmp_path_factory.mktemp("back")
    rclone("copy", f":azureblob:{container}", str(back))
    for path in ["a.csv", "deeper/ü b.txt", "empty"]:
        assert (back / path).read_bytes() == (folder / path).read_bytes()
    rclone("check", str(folder), f":azureblob:{container}")


@operation("other-list")
def test_list(rclone, container, folder):
    rclone("copy", str(folder), f":azureblob:{container}")
    assert set(rclone("lsf", "-R", f":azureblob:{container}").splitlines()) == {"a.csv", "empty", "deeper/", "deeper/ü b.txt"}
    assert container in rclone("lsd", ":azureblob:")


@operation("other-missing")
def test_what_is_not_there(rclone, container):
    assert rclone("cat", f":azureblob:{container}/none") == ""
    rclone("lsf", f":azureblob:{container}-none", ok=False)


@operation("other-delete")
def test_copy_and_delete(rclone, container, folder):
    rclone("copy", str(folder), f":azureblob:{container}")
    rclone("moveto", f":azureblob:{container}/a.csv", f":azureblob:{container}/b.csv")
    rclone("purge", f":azureblob:{container}/deeper")
    assert set(rclone("lsf", "-R", f":azureblob:{container}").splitlines()) == {"b.csv", "empty"}


@operation("other-drop")
def test_drop_and_fetch(host, tmp_path):
    drop = tmp_path / "rclone.csv"
    drop.write_bytes((SUITES.parent.parent / "samples/harborview-clean.csv").read_bytes())
    container = host.caller["drops"]["container"]
    # rclone looks at what it has uploaded, and a caller's signature only writes: in Azure it complains of that as here. The file is there.
    Rclone(sas_url=host.caller["drops"]["url"])(
        "copyto", str(drop), f":azureblob:{container}/rclone.csv", "--azureblob-no-check-container", "--no-check-dest",
        "--ignore-times", refused="AuthorizationPermissionMismatch",
    )
    results, fetch = host.caller["receipts"]["container"], Rclone(sas_url=host.caller["receipts"]["url"])
    listed = until(lambda: [
        line for line in fetch("lsf", "-R", f":azureblob:{results}").splitlines() if line.startswith("receipts/rclone.csv.")])
    assert fetch("cat", f":azureblob:{results}/{listed[0]}")
