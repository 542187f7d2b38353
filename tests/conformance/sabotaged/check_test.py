"""nexadb-plugin-check finds what is wrong with an engine, says so, and goes on.

Usage: check_test.py NEXADB-PLUGIN-CHECK SABOTAGED.so [unittest arguments].
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.abspath(sys.argv.pop(1))
PLUGIN = os.path.abspath(sys.argv.pop(1))
# A sanitizer reports a crash itself and ends the process without a signal.
SANITIZED = os.environ.get("NEXADB_SANITIZE", "") != ""
TIMEOUT_S = 300


class PluginCheck(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nexadb-check-")
        self.addCleanup(shutil.rmtree, self.dir)

    def check(self, *arguments, plugin=PLUGIN):
        return subprocess.run([CHECK, *arguments, plugin], capture_output=True, text=True,
                              timeout=TIMEOUT_S, cwd=self.dir)

    def judged(self, sabotage, *arguments):
        """(laws kept, laws broken with what is said of them), the summary's numbers checked."""
        config = os.path.join(self.dir, "config.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"sabotage": sabotage}, file)
        done = self.check("--config", config, *arguments)
        kept = re.findall(r"^ok    (\S+)", done.stdout, re.MULTILINE)
        broken = dict(re.findall(r"^FAIL  ([\w.]+)(.*)$", done.stdout, re.MULTILINE))
        self.assertIn(f"{len(kept)} laws kept, {len(broken)} broken", done.stdout)
        self.assertEqual(done.returncode, 1 if broken else 0, done.stdout + done.stderr)
        self.output = done.stdout
        return kept, broken

    def test_a_good_engine_keeps_every_law(self):
        kept, broken = self.judged("nothing")
        self.assertEqual(broken, {}, self.output)
        self.assertGreater(len(kept), 100)
        for kit in ("EveryPlugin.", "StorageEngine.", "StorageEngineSim1."):
            self.assertTrue(any(law.startswith(kit) for law in kept), kit)

    def test_writes_that_are_lost_after_a_hundred(self):
        kept, broken = self.judged("writes", "--law", "StorageEngine.*")
        self.assertTrue(broken)
        self.assertIn("StorageEngine.WhatIsWrittenIsRead", kept)
        self.assertRegex(self.output, r"NEXADB_TEST_SEED=\d+")

    def test_snapshots_that_move(self):
        _, broken = self.judged("snapshots", "--law", "StorageEngine.*")
        self.assertIn("StorageEngine.SnapshotsNeverMove", broken)

    def test_a_crash_is_one_laws_failure(self):
        kept, broken = self.judged("crash", "--law", "StorageEngine.*")
        self.assertIn("StorageEngine.StampsSortInCommitOrder", broken)
        if not SANITIZED:
            self.assertIn("crashed with signal 11",
                          broken["StorageEngine.StampsSortInCommitOrder"])
        self.assertIn("StorageEngine.FlushSucceeds", kept)
        self.assertGreater(len(kept), len(broken))

    def test_a_hang_is_one_laws_failure(self):
        kept, broken = self.judged("hang", "--law", "StorageEngine.St?mps*", "--time-limit", "3")
        self.assertEqual(kept, [])
        self.assertGreaterEqual(len(broken), 2)
        for said in broken.values():
            self.assertRegex(said, r"was still running after \d+ ms")

    def test_threads_and_descriptors_left_behind(self):
        for sabotage in ("thread", "descriptor"):
            kept, broken = self.judged(sabotage, "--law", "EveryPlugin.*")
            self.assertIn("EveryPlugin.StopLeavesNoThreadAndNoDescriptor", broken)
            self.assertIn("EveryPlugin.StartsAndStops", kept)

    def test_a_stop_that_needs_a_start(self):
        _, broken = self.judged("start", "--law", "EveryPlugin.*")
        self.assertIn("EveryPlugin.StopWorksAfterAFailedStart", broken)
        self.assertNotIn("EveryPlugin.StartsAndStops", broken)

    def test_the_seed_is_printed_and_taken(self):
        law = ("--law", "EveryPlugin.UnheardOfFacetsAreNull")
        self.assertIn("seed 4711", self.check("--seed", "4711", *law).stdout)
        self.assertEqual(self.check(*law).stdout.count("seed"), 2)

    def test_what_is_no_plugin_is_refused_with_its_reason(self):
        done = self.check(plugin=CHECK)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, "refused: .*not a NexaDB plugin")

    def test_a_wrong_configuration_is_reported(self):
        config = os.path.join(self.dir, "wrong.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write('sabotge = "nothing"\n')
        done = self.check("--config", config, "--law", "EveryPlugin.StartsAndStops")
        self.assertEqual(done.returncode, 1)
        self.assertIn('did you mean "sabotage"?', done.stdout)

    def test_misuse_exits_2(self):
        self.assertEqual(self.check("--law", "No.Such.Law").returncode, 2)
        self.assertEqual(self.check("--no-such-option", "1").returncode, 2)
        self.assertEqual(self.check("--config", "/nowhere.toml").returncode, 2)
        self.assertEqual(self.check("--seed", "many").returncode, 2)

    def test_list_runs_nothing(self):
        done = self.check("--list", "--law", "StorageEngine.S*")
        self.assertEqual(done.returncode, 0)
        self.assertIn("StorageEngine.SnapshotsNeverMove\n", done.stdout)
        self.assertNotIn("ok ", done.stdout)


if __name__ == "__main__":
    unittest.main()
