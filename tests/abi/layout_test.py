"""The contract's layout, for every compiler at hand, is the one in layout.txt.

Reads the headers of core/include/nexadb, writes a program that prints sizes, field offsets, enum
values and the place of every virtual method in its table, and compares what it prints. A change of
layout.txt is a change of the plugin ABI: say so in the commit.

Usage: layout_test.py SOURCE_DIR [--regenerate] COMPILER[,FLAG...]...
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(sys.argv[1])
HEADERS = os.path.join(SOURCE, "core", "include", "nexadb")
GOLDEN = os.path.join(SOURCE, "tests", "abi", "layout.txt")
# Header-only helpers that never cross the boundary as types.
SKIPPED = {"bson.h"}
VOCABULARY = [
    "Span<int>", "StringView", "BytesView", "Buffer", "Buffer::Rep", "Status", "Result<bool>",
    "Result<uint64_t>", "Result<Buffer>", "Result<StringView>", "Handle<Plugin>", "Callback",
    "InterfaceId", "ServiceRef<StorageEngine>",
]  # fmt: skip

PRELUDE = r"""
#include <cstddef>
#include <cstdio>
#include <cstring>
using namespace nexadb;
template <class Method>
long SlotOf(Method method) {
  // Itanium C++ ABI 2.3: one plus the offset in the table; on ARM the offset itself.
  long words[2];
  static_assert(sizeof(method) == sizeof(words));
  std::memcpy(words, &method, sizeof(words));
#if defined(__aarch64__)
  return words[0] / 8;
#else
  return (words[0] - 1) / 8;
#endif
}
int main() {
"""


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def declarations(body):
    """The parts of a class body that end with ';' at its own level, and its virtual methods that have
    a body. Bodies are left out."""
    depth, start, parts = 0, 0, []
    for i, c in enumerate(body):
        depth += {"{": 1, "}": -1}.get(c, 0)
        ends_function = c == "}" and depth == 0 and not body[i + 1 :].lstrip().startswith(";")
        if depth == 0 and (c == ";" or ends_function):
            part = one_line(body[start:i])
            if c == ";":
                parts.append(part)
            elif re.search(r"\bvirtual [^~]", part):
                parts.append(part.split("{")[0].strip())
            start = i + 1
    return parts


def fields(body):
    names = []
    for part in declarations(re.sub(r"\b(public|private|protected):", "", body)):
        if re.match(r"(static|using|enum|struct|class|friend|template)\b", part) or not part:
            continue
        pointer = re.search(r"\(\*(\w+)\)", part)
        if pointer:
            names.append(pointer.group(1))
            continue
        head = re.split(r"=|\{", part)[0]
        head = re.sub(r"<[^<>]*>", "", head)
        for piece in head.split(","):
            names.append(re.search(r"(\w+)\s*(\[\w+\])?\s*$", piece).group(1))
    return names


def blocks(text):
    """(kind, name, body) of every class and struct at namespace level."""
    pattern = r"^(class|struct) (\w+)(?: final)?(?: : public \w+)? \{[ \t]*\n(.*?)^\};"
    return re.findall(pattern, text, re.S | re.M)


def print_line(text, *values):
    literal = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'  std::printf("{literal}\\n"{"".join(", " + v for v in values)});\n'


def program_for(header, text):
    out = print_line(f"== {header}")
    virtual_count = len(re.findall(r"\bvirtual\b", text))
    found = 0
    for scope, name, values in re.findall(
        r"^( *)enum class (\w+) : \w+ \{(.*?)\}", text, re.S | re.M
    ):
        owner = "Mutation::" if name == "Op" and "storage" in header else ""
        owner = "VectorChange::" if name == "Op" and "vector" in header else owner
        for value in re.findall(r"\b(k\w+)\b", values):
            full = f"{owner}{name}::{value}"
            out += print_line(f"enum {full} = %lu", f"static_cast<unsigned long>({full})")
        del scope
    for kind, name, body in blocks(text):
        methods = [d for d in declarations(body) if "virtual " in d]
        if methods:
            found += len(methods)
            id_text = f"{name}::kInterface"
            if "kInterface{" in body:
                out += print_line(
                    f"interface {name} %s/%d.%d", f"{id_text}.name", f"{id_text}.major",
                    f"{id_text}.minor",
                )  # fmt: skip
            for method in methods:
                signature = re.sub(r"^.*?\bvirtual ", "", method)
                method_name = re.search(r"(\w+)\s*\(", signature).group(1)
                out += print_line(
                    f"{name}[%ld] {signature}", f"SlotOf(&{name}::{method_name})"
                )
        elif kind == "struct":
            out += print_line(
                f"struct {name} size %zu align %zu", f"sizeof({name})", f"alignof({name})"
            )
            for field in fields(body):
                out += print_line(f"  {name}.{field} at %zu", f"offsetof({name}, {field})")
    if found != virtual_count:
        sys.exit(f"{header}: {virtual_count} virtual methods, but only {found} were understood")
    return out


def layout(compiler_and_flags):
    headers = sorted(h for h in os.listdir(HEADERS) if h.endswith(".h") and h not in SKIPPED)
    code = "".join(f'#include "nexadb/{h}"\n' for h in headers) + PRELUDE
    code += print_line("== vocabulary")
    for name in VOCABULARY:
        code += print_line(f"{name} size %zu align %zu", f"sizeof({name})", f"alignof({name})")
    for header in headers:
        with open(os.path.join(HEADERS, header), encoding="utf-8") as file:
            code += program_for(header, without_comments(file.read()))
    code += "}\n"
    compiler, *flags = compiler_and_flags.split(",")
    with tempfile.TemporaryDirectory(prefix="nexadb-layout-") as folder:
        source = os.path.join(folder, "layout.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(code)
        binary = os.path.join(folder, "layout")
        subprocess.run(
            [compiler, *flags, "-std=c++20", "-Wno-invalid-offsetof", f"-I{SOURCE}/core/include",
             source, "-o", binary],
            check=True,
        )  # fmt: skip
        return subprocess.run([binary], check=True, capture_output=True, text=True).stdout


def main():
    regenerate = "--regenerate" in sys.argv
    toolchains = [a for a in sys.argv[2:] if a != "--regenerate"]
    if not toolchains:
        sys.exit(__doc__)
    if regenerate:
        with open(GOLDEN, "w", encoding="utf-8") as file:
            file.write(layout(toolchains[0]))
    with open(GOLDEN, encoding="utf-8") as file:
        golden = file.read()
    for toolchain in toolchains:
        actual = layout(toolchain)
        if actual != golden:
            sys.stdout.writelines(
                difflib.unified_diff(
                    golden.splitlines(True), actual.splitlines(True), "layout.txt", toolchain
                )
            )
            sys.exit(
                "the plugin ABI has changed; if that is meant, run this again with --regenerate "
                "and say in the commit which plugins must be rebuilt"
            )
        print(f"{toolchain}: {len(golden.splitlines())} lines agree")


main()
