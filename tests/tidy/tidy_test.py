#!/usr/bin/env python3
"""Each rule of tidy.py finds its fault, and clean code passes."""
import tempfile
import unittest
from pathlib import Path

import tidy

CLEAN = "// What it is.\n#pragma once\n"


def faults_of(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tidy.Tidy(root, sorted(files)).run()


class TidyTest(unittest.TestCase):
    def assert_fault(self, files, rule):
        faults = faults_of(files)
        self.assertTrue(any(f": {rule}: " in f for f in faults), (rule, faults))

    def test_clean_code_passes(self):
        self.assertEqual(faults_of({
            "plugins/a/a.h": CLEAN + '#include "nexadb/abi.h"\n#include "core/base/coding.h"\n',
            "core/include/nexadb/abi.h": CLEAN}), [])

    def test_plugin_may_not_include_plugin(self):
        self.assert_fault({"plugins/a/a.h": CLEAN + '#include "plugins/b/b.h"\n'}, "layers")

    def test_core_may_not_include_plugin(self):
        self.assert_fault({"core/base/a.h": CLEAN + '#include "plugins/b/b.h"\n'}, "layers")

    def test_contract_includes_only_itself(self):
        self.assert_fault({"core/include/nexadb/a.h": CLEAN + '#include "core/base/b.h"\n'}, "layers")

    def test_a_promise_names_tests_that_exist(self):
        head = "| promise | shown by |\n| --- | --- |\n"
        there = {"tests/integration/a_test.py": '"""A."""\n', "plugins/p/room/b_test.cc": "// B.\n",
                 "plugins/p/CMakeLists.txt": "nexadb_add_test(p-test SOURCES b_test.cc)\n"}
        good = "| it holds | `tests/integration/a_test.py`, `room/b_test.cc` in `plugins/p`, `p-test` |\n"
        self.assertEqual(faults_of({**there, "docs/promises.md": head + good}), [])
        for cell in ("a test", "`tests/integration/gone_test.py`", "`room/gone_test.cc`", "`p`", "`gone-test`"):
            self.assert_fault({**there, "docs/promises.md": head + f"| it holds | {cell} |\n"}, "promises")

    def test_cycles(self):
        self.assert_fault({"plugins/a/a.h": CLEAN + '#include "plugins/a/b.h"\n',
                           "plugins/a/b.h": CLEAN + '#include "plugins/a/a.h"\n'}, "cycle")

    def test_long_line(self):
        self.assert_fault({"plugins/a/a.h": CLEAN + "int a;" + " " * 101 + "int b;\n"}, "columns")

    def test_long_file(self):
        self.assert_fault({"plugins/a/a.h": CLEAN + "int a;\n" * 600}, "size")

    def test_long_function(self):
        body = "void Do() {\n" + "  Step();\n" * 70 + "}\n"
        self.assert_fault({"plugins/a/a.cc": "// What it is.\n" + body}, "size")

    def test_kernel_budget(self):
        text = "// What it is, long because of the test.\n" + "int a;\n" * 4001
        self.assert_fault({"core/kernel/a.cc": text}, "size")

    def test_banned_words(self):
        self.assert_fault({"plugins/a/a.cc": "// What it is.\n// TO" + "DO later\n"}, "words")
        self.assert_fault({"plugins/a/a.cc": "// What it is.\nstd::reg" + "ex r;\n"}, "words")
        self.assert_fault({"plugins/a/a.cc": "// What it is.\nstd::this_thread::sleep_for(x);\n"}, "words")
        self.assert_fault({"README.md": "see /wor" + "k/main\n"}, "words")

    def test_missing_manual_and_guard(self):
        self.assert_fault({"plugins/a/a.cc": "int a;\n"}, "manual")
        self.assert_fault({"plugins/a/a.h": "// What it is.\nint a;\n"}, "header")


if __name__ == "__main__":
    unittest.main()
