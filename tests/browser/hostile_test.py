#!/usr/bin/env python3
"""What a page of another site can do to a server on its visitor's own machine, in a real Chromium: nothing.
The server is the one where that matters most: it lets callers of this machine in without a key."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
sys.path.insert(0, str(HERE))

from client_test import NODE, Site  # noqa: E402
from kernel import Kernel  # noqa: E402


class HostilePages(unittest.TestCase):
    def test_reach_nothing(self):
        keyless = lambda text: text.replace("dev_loopback = false", "dev_loopback = true")
        with Site() as site, Kernel(edit=keyless) as kernel:
            self.assertEqual(kernel.http("POST", "/collections/treasure", {"secret": "gold"}, key="")[0], 201)
            environment = dict(os.environ, NEXADB_TEST_PORT=str(kernel.port), NEXADB_TEST_ORIGIN=site.origin)
            run = subprocess.run([str(NODE), "--test", str(HERE / "hostile.test.mjs")], env=environment,
                                 cwd=HERE, text=True, capture_output=True, timeout=540, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            self.assertEqual(kernel.http("GET", "/collections", key="")[1]["collections"], ["treasure"])
            self.assertEqual(kernel.http("POST", "/collections/treasure/_count", {}, key="")[1]["count"], 1)


if __name__ == "__main__":
    unittest.main()
