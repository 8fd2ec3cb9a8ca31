"""Starts the local host as a developer does, and tells what it printed to connect with."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

SUITES = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("IRIS_LOCAL", str(SUITES.parent.parent / "target/debug/iris-local"))
START_LIMIT = 120
STOP_LIMIT = 30


class Host:
    """A running local host whose data is in the folder given; the folder outlives it."""

    def __init__(self, data, amqp_port=0, blob_port=0, *options):
        data = Path(data)
        data.mkdir(parents=True, exist_ok=True)
        self.data = data
        self._errors = open(data / "stderr.log", "ab")
        self._process = subprocess.Popen(
            [BINARY, "--json", "--data", str(data), "--entities", str(SUITES / "entities.json"),
             "--amqp-port", str(amqp_port), "--blob-port", str(blob_port), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors,
        )
        too_late = threading.Timer(START_LIMIT, self._process.kill)
        too_late.start()
        line = self._process.stdout.readline()
        too_late.cancel()
        if not line:
            raise RuntimeError(f"the local host did not start:\n{(data / 'stderr.log').read_text()}")
        self.connections = json.loads(line)

    @property
    def service_bus(self):
        """Connection string with every right on every queue and topic."""
        return self.connections["serviceBus"]

    @property
    def storage(self):
        """Connection string with every right on every container."""
        return self.connections["storage"]

    @property
    def caller(self):
        """What the sample organization connects with."""
        return self.connections["organizations"][0]

    @property
    def amqp_port(self):
        port = parts(self.service_bus)["Endpoint"].rstrip("/").rsplit(":", 1)[1]
        # The usual one is not said.
        return int(port) if port.isdigit() else 5672

    def stop(self):
        """Asks it to stop, as Ctrl-C does."""
        self._end(signal.SIGINT)

    def kill(self):
        """Ends it without a word."""
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
        self._process.stdout.close()
        self._errors.close()


def parts(connection_string):
    """A connection string as a dictionary."""
    return dict(part.split("=", 1) for part in connection_string.rstrip(";").split(";"))
