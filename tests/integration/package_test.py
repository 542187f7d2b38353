#!/usr/bin/env python3
"""The Debian package: lintian accepts it, and what it unpacks starts and answers."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import kernel


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="nexadb-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        umask = os.umask(0o022)
        try:
            run("cpack", "-G", "DEB", "-B", cls.directory, cwd=kernel.BUILD)
        finally:
            os.umask(umask)
        (cls.package,) = cls.directory.glob("nexadb_*.deb")
        cls.root = cls.directory / "root"
        run("dpkg", "-x", cls.package, cls.root)

    def test_lintian_accepts_it(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", str(self.package)],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_it_holds_what_its_page_says(self):
        page = (kernel.ROOT / "packaging" / "README.md").read_text(encoding="utf-8")
        rows = [row for line in re.findall(r"(?m)^\| (`/.*?) \|", page) for row in re.findall(r"`(.*?)`", line)]
        self.assertGreater(len(rows), 7)
        for path in rows:
            if path != "/var/lib/nexadb/":
                self.assertTrue((self.root / path.lstrip("/")).exists(), path)
        plugins = {p.name for p in (self.root / "usr/lib/nexadb/plugins").iterdir()}
        self.assertEqual(plugins, {p.parent.name + ".so" for p in kernel.ROOT.glob("plugins/*/plugin.json")})
        self.assertEqual(run("dpkg-deb", "-I", self.package, "conffiles").split(), ["/etc/nexadb/nexadb.toml"])

    def test_it_depends_on_the_libraries_that_it_needs(self):
        depends = run("dpkg-deb", "-f", self.package, "Depends")
        for library in ("libc6", "libssl3", "libicu72", "libopenblas0", "init-system-helpers"):
            self.assertIn(library, depends)

    def test_what_it_unpacks_starts_and_answers_the_first_query(self):
        def unpacked(_):
            """The package's own configuration, but for the ports and the data."""
            text = (self.root / "etc/nexadb/nexadb.toml").read_text(encoding="utf-8")
            self.assertIn('\ndata_dir = "/var/lib/nexadb" ', text)
            text = re.sub(r"(?m)^listen *=.*$", 'listen = ["127.0.0.1:0"]', text)
            return re.sub(r"(?m)^data_dir *=.*$", f'data_dir = "{self.directory}/data"', text)

        built, kernel.KERNEL = kernel.KERNEL, self.root / "usr/bin/nexadb-kernel"
        self.addCleanup(setattr, kernel, "KERNEL", built)
        with kernel.Kernel(directory=self.directory, edit=unpacked) as running:
            maps = Path(f"/proc/{running.process.pid}/maps").read_text(encoding="utf-8")
            loaded = set(re.findall(r"(/\S+/plugins/\S+\.so)$", maps, re.M))
            self.assertGreater(len(loaded), 4, loaded)
            self.assertEqual({str(Path(p).parent) for p in loaded}, {str(self.root / "usr/lib/nexadb/plugins")})
            environment = {"NEXADB_URL": f"http://127.0.0.1:{running.port}", "NEXADB_API_KEY": running.root_key}
            nexadb = self.root / "usr/bin/nexadb"
            run(nexadb, "insert", "users", "{name: 'Ada', age: 36}", env=environment)
            self.assertIn('"Ada"', run(nexadb, "find", "users", "{age: {$gt: 30}}", env=environment))
            self.assertEqual(running.stop(), 0)

    def test_systemd_finds_no_fault_in_the_unit_and_calls_it_safe(self):
        unit = "/lib/systemd/system/nexadb.service"
        # The unit's programs are looked for in the unpacked tree; the shell is the system's.
        (self.root / "bin").mkdir(exist_ok=True)
        shutil.copy("/bin/sh", self.root / "bin/sh")
        for target in ("sysinit", "basic", "multi-user", "network", "shutdown", "local-fs"):
            name = self.root / "lib/systemd/system" / f"{target}.target"
            name.write_text(f"[Unit]\nDescription={target}\n", encoding="utf-8")
        told = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={self.root}", unit],
                              capture_output=True, text=True, check=False)
        faults = [line for line in told.stderr.splitlines() if "nexadb.service" in line]
        self.assertEqual((told.returncode, faults), (0, []), told.stderr)
        safety = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={self.root}",
                     "nexadb.service")
        exposure = float(re.search(r"Overall exposure level.*: ([\d.]+)", safety).group(1))
        self.assertLess(exposure, 2.0, safety)


if __name__ == "__main__":
    unittest.main()
