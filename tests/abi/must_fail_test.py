"""Rules of the contract that the compiler keeps: each file compiles as it stands, and fails with the
expected words under -DBREAK_THE_RULE.

Usage: must_fail_test.py SOURCE_DIR COMPILER...
"""

import os
import subprocess
import sys
import unittest

SOURCE = os.path.abspath(sys.argv[1])
COMPILERS = sys.argv[2:]
FOLDER = os.path.join(SOURCE, "tests", "abi", "must_fail")
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror=unused-result"]
INCLUDES = [f"-I{SOURCE}/core/include", f"-I{SOURCE}/sdk/plugin/include"]


def compile_file(compiler, path, *more):
    return subprocess.run(
        [compiler, *FLAGS, *INCLUDES, *more, path],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )


def expected_words(path, kind):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(f"// {kind}: "):
                return line.split(": ", 1)[1].strip()
    raise AssertionError(f"{path}: no line '// {kind}: …'")


class MustFail(unittest.TestCase):
    def test_every_rule_with_every_compiler(self):
        names = sorted(os.listdir(FOLDER))
        self.assertGreater(len(names), 0)
        self.assertGreater(len(COMPILERS), 0)
        for compiler in COMPILERS:
            kind = "clang" if "clang" in os.path.basename(compiler) else "gcc"
            for name in names:
                path = os.path.join(FOLDER, name)
                with self.subTest(compiler=compiler, file=name):
                    kept = compile_file(compiler, path)
                    self.assertEqual((kept.returncode, kept.stderr), (0, ""))
                    broken = compile_file(compiler, path, "-DBREAK_THE_RULE")
                    self.assertNotEqual(broken.returncode, 0)
                    self.assertIn(expected_words(path, kind), broken.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
