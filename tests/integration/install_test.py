#!/usr/bin/env python3
"""What `cmake --install` puts in place is enough: the installed tree starts and is ready."""
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import kernel


class Install(unittest.TestCase):
    def setUp(self):
        self.prefix = Path(tempfile.mkdtemp(prefix="nexadb-install-"))
        self.addCleanup(shutil.rmtree, self.prefix)
        for component in ("runtime", "config"):
            subprocess.run(
                ["cmake", "--install", str(kernel.BUILD), "--prefix", str(self.prefix),
                 "--component", component],
                check=True, capture_output=True, text=True)

    def test_the_installed_tree_starts_and_is_ready(self):
        def installed(_):
            """The installed configuration as it is, plugin_path too, but for ports and data."""
            text = (self.prefix / "etc/nexadb/nexadb.toml").read_text(encoding="utf-8")
            text = re.sub(r"(?m)^listen *=.*$", 'listen = ["127.0.0.1:0"]', text)
            return re.sub(r"(?m)^data_dir *=.*$", f'data_dir = "{self.prefix}/data"', text)

        built, kernel.KERNEL = kernel.KERNEL, self.prefix / "bin" / "nexadb-kernel"
        self.addCleanup(setattr, kernel, "KERNEL", built)
        with kernel.Kernel(directory=self.prefix, edit=installed) as running:
            self.assertEqual(running.http("GET", "/readyz", key="")[0], 200)
            maps = Path(f"/proc/{running.process.pid}/maps").read_text(encoding="utf-8")
            loaded = set(re.findall(r"(/\S+/plugins/\S+\.so)$", maps, re.M))
            self.assertGreater(len(loaded), 4, loaded)
            for library in loaded:
                self.assertEqual(Path(library).parent, self.prefix / "lib/nexadb/plugins")

    def test_the_command_line_is_installed(self):
        done = subprocess.run([self.prefix / "bin" / "nexadb", "--version"],
                              capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
