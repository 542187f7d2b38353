#!/usr/bin/env python3
"""The JavaScript client as a browser's page uses it: from an origin that the server lists in
[plugins.http.config.cors], against the real kernel. And its types, compiled as a user's would be."""
import functools
import os
import subprocess
import sys
import threading
import unittest
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from kernel import ROOT, Kernel  # noqa: E402

NODE = ROOT / "build" / "tools" / "node"
CLIENT = ROOT / "sdk" / "javascript"
TYPESCRIPT = ROOT / "plugins" / "admin-ui" / "web" / "node_modules" / "typescript" / "bin" / "tsc"


class Files(SimpleHTTPRequestHandler):
    extensions_map = {".mjs": "text/javascript", ".html": "text/html"}

    def log_message(self, *_):
        pass


class Site:
    """The client's folder, served on a port of its own: an origin."""

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=CLIENT))
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class JavaScriptClient(unittest.TestCase):
    def test_in_a_page(self):
        with Site() as site, Site() as stranger:
            allow = lambda text: text.replace("\norigins = []", f'\norigins = ["{site.origin}"]')
            with Kernel(edit=allow) as kernel:
                self.assertIn(site.origin, kernel.config.read_text())
                environment = dict(os.environ, NEXADB_TEST_KEY=kernel.root_key, NEXADB_TEST_PORT=str(kernel.port),
                                   NEXADB_TEST_ORIGIN=site.origin, NEXADB_TEST_STRANGER=stranger.origin)
                run = subprocess.run([str(NODE), "--test", str(HERE / "client.test.mjs")], env=environment,
                                     cwd=HERE, text=True, capture_output=True, timeout=120, check=False)
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_the_types_allow_and_refuse_what_they_should(self):
        run = subprocess.run([str(NODE), str(TYPESCRIPT), "-p", str(CLIENT / "test")], text=True,
                             capture_output=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
