#!/usr/bin/env python3
"""Starts a server with real data for admin.test.mjs, and checks that the committed page is the one
that web/ builds."""
import filecmp
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from kernel import BUILD, ROOT, Kernel  # noqa: E402

NODE = ROOT / "build" / "tools" / "node"
WEB = ROOT / "plugins" / "admin-ui" / "web"


class AdminPage(unittest.TestCase):
    def test_in_a_browser(self):
        with Kernel() as kernel:
            environment = dict(os.environ, NEXADB_API_KEY=kernel.root_key,
                               NEXADB_URL=f"http://127.0.0.1:{kernel.port}")
            subprocess.run([str(BUILD / "bin" / "nexadb"), "sample", "load"], env=environment, check=True,
                           capture_output=True)
            environment.update(NEXADB_ADMIN_URL=f"http://127.0.0.1:{kernel.admin_port}",
                               NEXADB_TEST_KEY=kernel.root_key)
            run = subprocess.run([str(NODE), "--test", str(HERE / "admin.test.mjs")], env=environment,
                                 cwd=HERE, text=True, capture_output=True, timeout=540, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_the_committed_page_is_what_web_builds(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([str(NODE), "node_modules/typescript/bin/tsc", "--noEmit"], cwd=WEB, check=True)
            subprocess.run([str(NODE), "node_modules/vite/bin/vite.js", "build", "--outDir", folder,
                            "--emptyOutDir", "--logLevel", "error"], cwd=WEB, check=True)
            self.assert_same(WEB.parent / "assets", Path(folder))

    def assert_same(self, committed, built):
        names = lambda folder: sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        self.assertEqual(names(committed), names(built), "run npm run build in plugins/admin-ui/web")
        for name in names(built):
            self.assertTrue(filecmp.cmp(committed / name, built / name, shallow=False),
                            f"{name} differs: run npm run build in plugins/admin-ui/web")


if __name__ == "__main__":
    unittest.main()
