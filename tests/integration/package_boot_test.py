#!/usr/bin/env python3
"""The Debian package on a machine that has nothing else: a smallest Debian, booted by systemd in a container.

Needs root, debootstrap, systemd-nspawn and Debian's archive; some two minutes. NEXADB_PACKAGE names a
package to test; else one is made of the build.
"""
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import kernel

BOOTED_WITHIN_S = 60
TOOLS = ("debootstrap", "systemd-nspawn", "nsenter")
KEY = "NEXADB_API_KEY_FILE=/var/lib/nexadb/root.key"


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Machine:
    """A booted container."""

    def __init__(self, root):
        self._container = subprocess.Popen(
            ["systemd-nspawn", "--directory", str(root), "--boot", "--private-network", "--register=no",
             "--keep-unit", "--console=pipe"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self._first = self._find_init(time.monotonic() + BOOTED_WITHIN_S)

    def _find_init(self, until):
        """systemd of the container: below the process that set it up."""
        while time.monotonic() < until:
            children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children").read_text().split()
            for child in children:
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
            time.sleep(0.1)
        raise AssertionError("the container does not boot")

    def attempt(self, command):
        return subprocess.run(["nsenter", "--target", self._first, "--mount", "--uts", "--ipc", "--net", "--pid",
                               "--cgroup", "--", "sh", "-c", command], capture_output=True, text=True, check=False)

    def run(self, command):
        done = self.attempt(command)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def wait_for(self, command, text):
        until = time.monotonic() + BOOTED_WITHIN_S
        while text not in (said := self.attempt(command).stdout):
            if time.monotonic() > until:
                raise AssertionError(f"{command}: no {text!r} in\n{said}")
            time.sleep(0.2)

    def power_off(self):
        self.attempt("systemctl poweroff --force")
        try:
            self._container.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()


@unittest.skipUnless(os.geteuid() == 0 and all(map(shutil.which, TOOLS)), "needs root and " + ", ".join(TOOLS))
class BootedPackage(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="nexadb-boot-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.root = self.directory / "root"
        run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,init-system-helpers,ca-certificates",
            "bookworm", self.root, os.environ.get("NEXADB_DEBIAN_MIRROR", "http://deb.debian.org/debian"))

    def package(self):
        if "NEXADB_PACKAGE" in os.environ:
            return Path(os.environ["NEXADB_PACKAGE"])
        umask = os.umask(0o022)
        try:
            run("cpack", "-G", "DEB", "-B", self.directory, cwd=kernel.BUILD)
        finally:
            os.umask(umask)
        return next(self.directory.glob("nexadb_*.deb"))

    def chroot(self, command):
        return run("chroot", self.root, "sh", "-c", "export DEBIAN_FRONTEND=noninteractive LC_ALL=C; " + command)

    def test_it_is_installed_booted_reloaded_stopped_removed_and_purged(self):
        shutil.copy(self.package(), self.root / "nexadb.deb")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.chroot("apt-get install -y -q --no-install-recommends /nexadb.deb")
        self.assertIn("nexadb:x:", self.chroot("cat /etc/passwd"))
        self.assertEqual(self.chroot("cat /var/lib/dpkg/info/nexadb.conffiles").split(), ["/etc/nexadb/nexadb.toml"])
        machine = Machine(self.root)
        try:
            self.is_served(machine)
            self.is_reloaded(machine)
            self.is_stopped_and_goes_on(machine)
            self.is_restarted_when_it_is_killed(machine)
            self.is_removed_with_its_data_left(machine)
        finally:
            machine.power_off()

    def is_served(self, machine):
        machine.wait_for("systemctl --no-pager status nexadb", "active (running)")
        self.assertIn("Type=notify", machine.run("systemctl show nexadb --property Type"))
        self.assertEqual(machine.run("stat -c '%U %a' /var/lib/nexadb /var/lib/nexadb/root.key").split("\n")[:2],
                         ["nexadb 700", "nexadb 600"])
        machine.run(f"""{KEY} nexadb insert users '{{_id: "ada"}}'""")

    def is_reloaded(self, machine):
        machine.run("systemctl reload nexadb")
        machine.wait_for("journalctl --no-pager --unit nexadb", "reload: done")
        machine.run("cp /etc/nexadb/nexadb.toml /toml && echo 'wrong = ' >>/etc/nexadb/nexadb.toml")
        self.assertNotEqual(machine.attempt("systemctl reload nexadb").returncode, 0)
        self.assertIn("1 mistake in /etc/nexadb/nexadb.toml", machine.run("journalctl --no-pager --unit nexadb"))
        machine.run("cp /toml /etc/nexadb/nexadb.toml && systemctl reload nexadb")
        self.assertIn("ada", machine.run(f"{KEY} nexadb find users"))

    def is_stopped_and_goes_on(self, machine):
        machine.run("systemctl stop nexadb")
        shown = machine.run("systemctl show nexadb --property ActiveState,Result,ExecMainStatus")
        self.assertEqual(sorted(shown.split()), ["ActiveState=inactive", "ExecMainStatus=0", "Result=success"])
        self.assertIn("Deactivated successfully", machine.run("journalctl --no-pager --unit nexadb"))
        machine.run("systemctl start nexadb")  # returns once it serves
        self.assertIn("ada", machine.run(f"{KEY} nexadb find users"))

    def is_restarted_when_it_is_killed(self, machine):
        machine.run("systemctl kill --signal KILL nexadb")
        machine.wait_for("systemctl show nexadb --property NRestarts,ActiveState",
                         "NRestarts=1\nActiveState=active")
        self.assertIn("ada", machine.run(f"{KEY} nexadb find users"))

    def is_removed_with_its_data_left(self, machine):
        machine.run("dpkg --remove nexadb")
        self.assertNotIn("ActiveState=active", machine.attempt("systemctl show nexadb --property ActiveState").stdout)
        machine.run("test -f /etc/nexadb/nexadb.toml && ! test -e /usr/bin/nexadb-kernel")
        machine.run("dpkg --purge nexadb")
        machine.run("! test -e /etc/nexadb && test -s /var/lib/nexadb/root.key")
        machine.run("dpkg --install /nexadb.deb")  # whoever comes back finds it all
        machine.wait_for("systemctl --no-pager status nexadb", "active (running)")
        self.assertIn("ada", machine.run(f"{KEY} nexadb find users"))


if __name__ == "__main__":
    unittest.main()
