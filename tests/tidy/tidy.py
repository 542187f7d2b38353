#!/usr/bin/env python3
"""The repository's rules, as a test: layers, include cycles, sizes, line lengths, banned words, promises
(each line names a test that is there).

Usage: tidy.py [ROOT], by default the repository it stands in. Prints `path:line: rule: what is
wrong` for each fault; exit status 1 if any.
The rules are those of CONTRIBUTING.md and of the layer list below; tidy_test.py proves that each
of them can fail.
"""
import re
import subprocess
import sys
from pathlib import Path

COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
# Names of the four rooms of the kernel, and the most lines they may have together, without tests.
KERNEL_ROOMS = ("core/kernel", "core/loader", "core/config", "core/runtime")
KERNEL_LINES_MAX = 4000

PROMISES = "docs/promises.md"

CODE = (".cc", ".h")
TEXT = CODE + (".py", ".sh", ".md", ".cmake", ".toml", ".json", ".js", ".mjs", ".ts", ".tsx", ".css")
# Files that a program wrote, or that hold recorded data.
GENERATED = re.compile(r"(^|/)(corpus|golden|dist|node_modules|testdata)/|/assets/|package-lock\.json$"
                       r"|core/document/errors\.h$|docs/errors\.md$|cases\.jsonl")

# What each part of the tree may include, by the start of the include's path. Own files always.
CONTRACT = ("nexadb/",)
SHARED = CONTRACT + ("core/base/", "core/document/")
LAYERS = [
    ("core/include/", ()),
    ("core/base/", CONTRACT),
    ("core/document/", CONTRACT + ("core/base/",)),
    ("core/config/", SHARED),
    ("core/loader/", SHARED + ("core/config/",)),
    ("core/runtime/", SHARED + ("core/config/",)),
    ("core/kernel/", SHARED + ("core/config/", "core/loader/", "core/runtime/")),
    ("plugins/", SHARED),
    ("sdk/plugin/", SHARED),
    ("sdk/cpp/", SHARED),
    ("sdk/cli/", SHARED + ("sdk/cpp/",)),
]
OURS = ("nexadb/", "core/", "plugins/", "sdk/", "tests/", "bench/")

# Said of code, each of these is a promise or a shortcut that the tree must not carry.
BANNED = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "unfinished work: do it, or write down the limit"),
    (re.compile(r"\bstd::regex\b"), "std::regex crashes on long input: use RE2"),
    (re.compile(r"catch \(\.\.\.\) *\{ *\}"), "a swallowed exception"),
    (re.compile(r"\b(sprintf|strcpy|strcat|gets)\("), "an unbounded copy"),
    (re.compile(r"\b(DISABLED_|GTEST_SKIP)\w*"), "a test that does not run"),
    (re.compile(r"using namespace std\b"), "using namespace std"),
]
BANNED_IN_PLUGINS = [
    (re.compile(r"\bstd::this_thread::sleep_for\b"), "sleep through Env, so that it can be simulated"),
]
# The repository speaks of the project alone.
FOREIGN = re.compile(r"/work/|\bsubagents?\b|\bAI-generated\b", re.IGNORECASE)
INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"')


def tracked(root):
    names = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True)
    return [n for n in names.stdout.decode().split("\0") if n and (Path(root) / n).is_file()]


def is_test(name):
    return (name.endswith(("_test.cc", "_test.h", "_fuzz.cc", "_test.py"))
            or name.startswith(("tests/", "bench/")) or "/testkit/" in name)


class Tidy:
    def __init__(self, root, names):
        self.root = Path(root)
        self.names = names
        self.faults = []
        self.includes = {}

    def fault(self, name, line, rule, text):
        self.faults.append(f"{name}:{line}: {rule}: {text}")

    def run(self):
        kernel_lines = 0
        for name in self.names:
            if GENERATED.search(name) or not name.endswith(TEXT):
                continue
            lines = (self.root / name).read_text(encoding="utf-8").split("\n")
            if name != "tests/tidy/tidy.py":
                self.check_text(name, lines)
            if name.endswith(CODE):
                self.check_code(name, lines)
                if name.startswith(KERNEL_ROOMS) and not is_test(name):
                    kernel_lines += len(lines) - 1  # the last line's end begins no other
        if kernel_lines > KERNEL_LINES_MAX:
            self.fault("core", 1, "size", f"the kernel has {kernel_lines} lines, at most {KERNEL_LINES_MAX}")
        self.check_cycles()
        self.check_promises()
        return self.faults

    def check_text(self, name, lines):
        for number, line in enumerate(lines, 1):
            if FOREIGN.search(line):
                self.fault(name, number, "words", "not about the project: " + line.strip()[:60])
            if line.endswith((" ", "\t")) and not name.endswith(".md"):
                self.fault(name, number, "space", "white space at the end of the line")

    def check_code(self, name, lines):
        if len(lines) > FILE_LINES_MAX and not re.search(r"\blong because\b", "\n".join(lines[:40])):
            self.fault(name, 1, "size", f"{len(lines)} lines; over {FILE_LINES_MAX} the header comment "
                                        "says 'long because …'")
        if name.endswith(".h") and "#pragma once" not in lines[:60] and "tests/" not in name:
            self.fault(name, 1, "header", "no #pragma once")
        if not is_test(name) and not lines[0].startswith("//") and not self.has_header(name):
            self.fault(name, 1, "manual", "neither the file nor its header opens with a comment that "
                                          "says what it is")
        banned = BANNED + (BANNED_IN_PLUGINS if name.startswith("plugins/") and not is_test(name) else [])
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and not re.search(r"https?://|R\"|#include", line):
                self.fault(name, number, "columns", f"{len(line)} columns, at most {COLUMNS_MAX}")
            for pattern, why in banned:
                if pattern.search(line):
                    self.fault(name, number, "words", why)
            match = INCLUDE.match(line)
            if match:
                self.check_include(name, number, match.group(1))
        if not is_test(name):
            self.check_functions(name, lines)

    def has_header(self, name):
        """A .cc file beside a header of its name: the header is the manual."""
        return name.endswith(".cc") and name[:-3] + ".h" in self.names

    def check_include(self, name, number, path):
        if not path.startswith(OURS):
            return
        self.includes.setdefault(name, []).append(path)
        layer = next(((start, allowed) for start, allowed in LAYERS if name.startswith(start)), None)
        if layer is None or is_test(name):
            return
        start, allowed = layer
        own = "/".join(name.split("/")[:2]) + "/"
        if start == "core/include/":
            own = "nexadb/"
        if not path.startswith((own,) + allowed):
            self.fault(name, number, "layers", f"may not include {path}")

    def check_functions(self, name, lines):
        """A function's body, by the brace that opens at the end of an unindented or class-level
        signature and closes in the same column."""
        start = None
        for number, line in enumerate(lines, 1):
            opens = re.match(r"^( {0,2})(?! )(?!namespace|class|struct|enum|union|extern|#|//|\}).*\{$", line)
            if opens and "(" in "".join(lines[max(0, number - 6):number]) and start is None:
                start = (number, opens.group(1))
            elif start and line.startswith(start[1] + "}") and not line.startswith(start[1] + " "):
                length = number - start[0] + 1
                if length > FUNCTION_LINES_MAX:
                    self.fault(name, start[0], "size", f"a function of {length} lines, at most "
                                                       f"{FUNCTION_LINES_MAX}")
                start = None

    def check_cycles(self):
        def target(path):
            return "core/include/" + path if path.startswith("nexadb/") else path

        state = {}

        def visit(name, trail):
            state[name] = "open"
            for path in self.includes.get(name, []):
                follow = target(path)
                if state.get(follow) == "open":
                    loop = trail[trail.index(follow):] if follow in trail else [follow]
                    self.fault(name, 1, "cycle", " includes ".join(loop + [follow]))
                elif follow in self.includes and follow not in state:
                    visit(follow, trail + [follow])
            state[name] = "done"

        for name in sorted(self.includes):
            if name not in state:
                visit(name, [name])


    def check_promises(self):
        """Each line of docs/promises.md names a test, and each test that it names is there."""
        path = self.root / PROMISES
        if not path.exists():
            return
        built = "".join((self.root / name).read_text(encoding="utf-8", errors="replace")
                        for name in self.names if name.endswith(("CMakeLists.txt", ".cmake")))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.startswith("| ") or line.startswith(("| promise ", "| ---")):
                continue
            named = re.findall(r"`([^`]+)`", line.rstrip("| ").rsplit(" | ", 1)[-1])
            if not named:
                self.fault(PROMISES, number, "promises", "no test is named")
            for name in named:
                if not self.is_there(name.split()[0], built):
                    self.fault(PROMISES, number, "promises", f"there is no {name}")

    def is_there(self, name, built):
        """A file or folder, a file's path below its plugin, or the name of a built test."""
        if "/" in name:
            return any(file == name or file.startswith((name.rstrip("/") + "/", name + ".")) or
                       file.endswith("/" + name) for file in self.names)
        short = re.sub(r"^conformance_(plugin_)?", "", name).rstrip("*")
        return re.search(rf"(?<![\w-]){re.escape(short)}(?![\w-])", built) is not None


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).resolve().parents[2])
    faults = Tidy(root, tracked(root)).run()
    print("\n".join(faults))
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
