#!/usr/bin/env python3
"""docs/query-language.md: every example gives what it says, and every operator has an example.

An example is one line of JSON in a block fenced by ```json. What it holds says what it is:
  filter      documents that match: {documents, filter, result}
  find        the members of a find command: {documents, find, result}
  update      one document changed: {document, update, result}, and filter, arrayFilters, upsert
  pipeline    {documents, pipeline, result}, and others: {collection: [documents]}
  group       an accumulator over all documents: {documents, group, result}
  window      a window function over the documents in the order of _id: {documents, window, result}
  index       beside find, whose hint names it: an index that is made first, and that the find reads
  expression  {expression, result}, and document
Any of them may have a `collation`. An example whose result is {"error": code} must fail with MongoDB's code.
"""
import json
import re
import unittest
from pathlib import Path

from kernel import ROOT, Kernel

PAGE = ROOT / "docs" / "query-language.md"
SOURCES = ROOT / "plugins" / "database-document"
# Read by the parsers beside the operator that they belong to, or without a result to show.
PARTS = {"$options", "$const", "$meta", "$rand", "$sampleRate", "$sample", "$each", "$position"}


def examples():
    fenced = False
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced and line.strip() == "```json"
        elif fenced and line.strip():
            yield number, line


def names_in(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from names_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from names_in(member)


def known_operators():
    """The names in the tables of the source: a new operator without an example fails here."""
    tables = []
    for path in sorted((SOURCES / "expression").glob("*.cc")):
        tables += re.findall(r'\{\s*"(\$\w+)"', path.read_text(encoding="utf-8"))
    for path, table in (("match/parser.cc", "kOperators"), ("match/parser.cc", "kTopOperators"),
                        ("update/updater.cc", "kOperators"), ("stage/pipeline.cc", "kStageNames"),
                        ("stage/window_functions.cc", "kWindowFunctions")):
        text = (SOURCES / path).read_text(encoding="utf-8")
        rows = re.search(table + r"\[\] = \{(.*?)\};", text, re.DOTALL)
        tables += re.findall(r'"(\$\w+)"', rows.group(1))
    return set(tables) - PARTS


class QueryLanguage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.__exit__()

    def command(self, **command):
        status, reply = self.kernel.http("POST", "/db/examples/command", command)
        self.assertEqual(status, 200, reply)
        return reply

    def succeed(self, **command):
        reply = self.command(**command)
        self.assertEqual(reply["ok"], 1, reply)
        self.assertNotIn("writeErrors", reply)
        return reply

    def fill(self, collection, documents):
        self.command(drop=collection)
        if documents:
            self.succeed(insert=collection, documents=documents)

    def aggregate(self, pipeline, collection="c", **members):
        reply = self.command(aggregate=collection, pipeline=pipeline, cursor={}, **members)
        return {"error": reply["code"]} if reply["ok"] != 1 else reply["cursor"]["firstBatch"]

    def find(self, **members):
        reply = self.command(find="c", **members)
        return {"error": reply["code"]} if reply["ok"] != 1 else reply["cursor"]["firstBatch"]

    def update(self, example):
        statement = {"q": example.get("filter", {}), "u": example["update"],
                     "upsert": example.get("upsert", False)}
        for name in ("arrayFilters", "collation"):
            if name in example:
                statement[name] = example[name]
        reply = self.command(update="c", updates=[statement])
        if reply["ok"] != 1:
            return {"error": reply["code"]}
        for error in reply.get("writeErrors", []):
            return {"error": error["code"]}
        return self.find()[0]

    def outcome(self, example):
        for name, documents in example.get("others", {}).items():
            self.fill(name, documents)
        self.fill("c", example.get("documents") or [example.get("document", {"_id": 1})])
        if "update" in example:
            if example.get("upsert"):
                self.fill("c", [])
            return self.update(example)
        collation = {"collation": example["collation"]} if "collation" in example else {}
        if "filter" in example:
            return self.find(filter=example["filter"], **collation)
        if "find" in example:
            if "index" in example:
                self.succeed(createIndexes="c", indexes=[example["index"]])
                plan = json.dumps(self.succeed(explain={"find": "c", **example["find"]}))
                self.assertIn('"IXSCAN"', plan)
                self.assertIn(example["index"]["name"], plan)
            return self.find(**example["find"], **collation)
        if "expression" in example:
            stage = {"$replaceWith": {"value": example["expression"]}}
            rows = self.aggregate([stage], **collation)
            return rows if isinstance(rows, dict) else rows[0].get("value", "nothing")
        if "group" in example:
            rows = self.aggregate([{"$group": {"_id": None, "value": example["group"]}}])
            return rows if isinstance(rows, dict) else rows[0]["value"]
        if "window" in example:
            rows = self.aggregate([{"$setWindowFields": {
                "sortBy": {"_id": 1}, "output": {"value": example["window"]}}}])
            return rows if isinstance(rows, dict) else [row["value"] for row in rows]
        rows = self.aggregate(example["pipeline"], **collation)
        if "written" in example and rows == []:
            return self.aggregate([{"$sort": {"_id": 1}}], example["written"])
        return rows

    def test_every_example(self):
        count = 0
        for number, line in examples():
            with self.subTest(line=number):
                count += 1
                example = json.loads(line)
                got = self.outcome(example)
                # As text: 1 and 1.0, 1 and true, and the order of members are told apart.
                self.assertEqual(json.dumps(got), json.dumps(example["result"]), line)
        self.assertGreater(count, 200)

    def test_every_kind_of_index_has_an_example(self):
        """A find that reads an index of each option of the table, and one of a wildcard."""
        shown = set()
        for _, line in examples():
            example = json.loads(line)
            if "index" in example:
                shown.update(example["index"])
                shown.update("$**" for field in example["index"]["key"] if "$**" in field)
        section = PAGE.read_text(encoding="utf-8").split("\n## Indexes\n")[1].split("\n## ")[0]
        options = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        self.assertGreater(len(options), 4)
        self.assertEqual(sorted((options | {"$**", "wildcardProjection"}) - shown - {"hidden"}), [])

    def test_every_operator_has_an_example(self):
        shown = set()
        for _, line in examples():
            shown.update(names_in(json.loads(line)))
        self.assertEqual(sorted(known_operators() - shown), [])


if __name__ == "__main__":
    unittest.main()
