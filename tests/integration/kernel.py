"""Starts the built kernel in a directory of its own, on ports that the system chooses.

    with Kernel() as kernel:
        db = kernel.connect()

The configuration is config/nexadb.toml with its data_dir and listen lines replaced, so the tests
run what a user runs. Processes are ended by their id. What a sanitizer reports of the kernel fails the
test that started it.
"""
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NEXADB_BUILD_DIR", ROOT / "build" / "release")).resolve()
KERNEL = BUILD / "bin" / "nexadb-kernel"
sys.path.insert(0, str(ROOT / "sdk" / "python"))

from nexadb_client import NexaDB  # noqa: E402

# Sanitized code takes this many times as long as what bounds of time are made for.
SLOWNESS = 20 if os.environ.get("NEXADB_SANITIZED") else 1
READY_WITHIN_S = 30.0 if SLOWNESS == 1 else 120.0
EVENTUALLY_S = 60.0 * SLOWNESS
SANITIZER_REPORT = re.compile(r"(ERROR|WARNING|FATAL): (Address|Leak|Thread)Sanitizer|runtime error:")


def eventually(what, within_s=EVENTUALLY_S):
    """What `what()` returns once that is true, or the last of it when it does not become so in time. For all
    that a server does behind its answer: counters, gauges, the log."""
    until = time.monotonic() + within_s
    while True:
        value = what()
        if value or time.monotonic() > until:
            return value
        time.sleep(0.02)


def write_config(directory, edit=None):
    """The shipped configuration, moved into `directory`; `edit` changes its text."""
    text = (ROOT / "config" / "nexadb.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^plugin_path *=.*$", f'plugin_path = ["{BUILD}/lib/nexadb/plugins"]', text)
    text = re.sub(r"(?m)^data_dir *=.*$", f'data_dir = "{directory}/data"', text)
    text = re.sub(r'(?m)^listen *= *.*:6969.*$', 'listen = ["127.0.0.1:0"]', text)
    text = re.sub(r'(?m)^listen *= *.*:9999.*$', 'listen = ["127.0.0.1:0"]', text)
    if edit:
        text = edit(text)
    path = Path(directory) / "nexadb.toml"
    path.write_text(text, encoding="utf-8")
    return path


def make_certificate(directory, name="server", days=30):
    """Writes NAME.pem, which signs itself, and its key NAME.key into `directory`; returns both paths."""
    certificate, key = Path(directory) / f"{name}.pem", Path(directory) / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", str(days), "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True)
    return certificate, key


def tls_edit(certificate, key):
    """For Kernel's `edit`: the REST server speaks TLS."""
    return lambda text: (text.replace('certificate = ""', f'certificate = "{certificate}"', 1)
                         .replace('private_key = ""', f'private_key = "{key}"', 1))


class Kernel:
    launcher = ()  # a command that becomes the kernel, such as prlimit

    def __init__(self, directory=None, edit=None, options=(), start=True, ca_file=None):
        """`ca_file`: the REST server speaks TLS, and this is whom its callers trust."""
        self._own = directory is None
        self.ca_file = ca_file
        self.directory = Path(directory or tempfile.mkdtemp(prefix="nexadb-test-"))
        self.options = list(options)
        self.source = None  # the address that callers come from, of this machine's own 127.0.0.0/8
        self.config = write_config(self.directory, edit)
        self.process = None
        self.ports = {}  # of each http-server instance, by its name
        self.log = []
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        """Returns the seconds until /readyz answered 200."""
        began = time.monotonic()
        self.ports = {}
        self.log = []
        self.process = subprocess.Popen(
            [*self.launcher, str(KERNEL), "--config", str(self.config), *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory)
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        while time.monotonic() - began < READY_WITHIN_S:
            if self.process.poll() is not None:
                self._reader.join()
                raise RuntimeError(f"the kernel ended with {self.process.returncode}:\n" + "".join(self.log))
            if self._listening.wait(0.005) and self._ready():
                return time.monotonic() - began
        self.kill()
        raise RuntimeError("the kernel was not ready in time:\n" + "".join(self.log))

    def _read_log(self):
        for line in self.process.stdout:
            self.log.append(line)
            found = re.search(r'(?:\[|"instance":")(\w+)\W.*listening on .*127\.0\.0\.1:(\d+)', line)
            if found:
                self.ports[found.group(1)] = int(found.group(2))
            if "http" in self.ports:
                self._listening.set()

    @property
    def port(self):
        return self.ports["http"]

    @property
    def admin_port(self):
        # The server is ready before its log has been read.
        return eventually(lambda: self.ports.get("admin_http"))

    def _ready(self):
        try:
            return self.http("GET", "/readyz", key="")[0] == 200
        except OSError:
            return False

    @property
    def root_key(self):
        return (self.directory / "data" / "root.key").read_text(encoding="ascii").strip()

    def connect(self, key=None, timeout=60.0):
        return NexaDB("127.0.0.1", self.port, self.root_key if key is None else key, timeout,
                      ca_file=self.ca_file)

    def open(self, timeout=60):
        """A connection of the standard library's."""
        source = (self.source, 0) if self.source else None
        if self.ca_file is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout, source_address=source)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, source_address=source,
                                           context=ssl.create_default_context(cafile=self.ca_file))

    def http(self, method, path, body=None, key=None, headers=None, raw=False):
        """(status, parsed body). `body` is sent as JSON unless it is bytes."""
        connection = self.open()
        sent = dict(headers or {})
        if key is None:
            key = self.root_key
        if key:
            sent.setdefault("X-API-Key", key)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            data = response.read()
            self.last_headers = response.headers
        finally:
            connection.close()
        if raw:
            return response.status, data
        return response.status, json.loads(data) if data else None

    def kill(self):
        """kill -9, and wait."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self._finish()

    def stop(self):
        """SIGTERM, and wait; returns the exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._finish()

    def _finish(self):
        if not self.process:
            return None
        try:
            status = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("the kernel did not stop:\n" + "".join(self.log)) from None
        self._reader.join()
        self.process.stdout.close()
        for number, line in enumerate(self.log):
            if SANITIZER_REPORT.search(line):
                raise AssertionError("a sanitizer reports:\n" + "".join(self.log[number:number + 200]))
        return status
