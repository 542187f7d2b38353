#!/usr/bin/env python3
"""The JavaScript client's own tests, against the real server; and that dist/ is built from src/."""
import os
import shutil
import subprocess
import unittest

from kernel import ROOT, Kernel

CLIENT = ROOT / "sdk" / "javascript"


def node():
    """The machine's Node, or the one that scripts/node.sh fetched."""
    fetched = ROOT / "build" / "tools" / "node"
    return str(fetched) if fetched.exists() else shutil.which("node")


class JavaScriptClient(unittest.TestCase):
    def test_dist_is_what_src_builds(self):
        subprocess.run([node(), str(CLIENT / "build.mjs"), "--check"], check=True)

    def test_against_the_server(self):
        with Kernel() as kernel:
            environment = dict(os.environ, NEXADB_TEST_PORT=str(kernel.port), NEXADB_TEST_KEY=kernel.root_key)
            run = subprocess.run([node(), "--test", str(CLIENT / "test" / "client.test.mjs")],
                                 env=environment, text=True, capture_output=True, timeout=120, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
