#!/usr/bin/env python3
"""What a service manager is told: ready, reloading, stopping, each when it is true (sd_notify)."""
import os
import shutil
import signal
import socket
import tempfile
import unittest
from pathlib import Path

from kernel import SLOWNESS, Kernel


class Service(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="nexadb-service-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.addCleanup(self.manager.close)
        self.manager.settimeout(30 * SLOWNESS)
        os.environ["NOTIFY_SOCKET"] = str(self.directory / "notify")
        self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)

    def told(self):
        return dict(line.split("=", 1) for line in self.manager.recv(4096).decode().split("\n"))

    def test_a_manager_hears_of_start_reload_and_stop(self):
        self.manager.bind(os.environ["NOTIFY_SOCKET"])
        kernel = Kernel(self.directory, start=False)
        kernel.start()
        self.addCleanup(kernel.stop)
        self.assertEqual(self.told(), {"READY": "1"})
        self.assertEqual(kernel.http("GET", "/readyz", key="")[0], 200)
        kernel.process.send_signal(signal.SIGHUP)
        reloading = self.told()
        self.assertEqual(reloading.pop("RELOADING"), "1")
        self.assertGreater(int(reloading.pop("MONOTONIC_USEC")), 0)
        self.assertEqual(reloading, {})
        self.assertEqual(self.told(), {"READY": "1"})
        kernel.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.told(), {"STOPPING": "1"})
        self.assertEqual(kernel.process.wait(timeout=60), 0)

    def test_a_start_that_fails_is_never_called_ready(self):
        self.manager.bind(os.environ["NOTIFY_SOCKET"])
        (self.directory / "data").write_text("in the way")
        with self.assertRaises(RuntimeError):
            Kernel(self.directory)
        self.manager.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.manager.recv(1)

    def test_a_manager_that_is_gone_is_a_warning_and_no_more(self):
        kernel = Kernel(self.directory)
        self.assertEqual(kernel.stop(), 0)
        self.assertIn("NOTIFY_SOCKET", "".join(kernel.log))


if __name__ == "__main__":
    unittest.main()
