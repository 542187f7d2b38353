"""Replays what the original's clients sent, and holds our answers to what they got (see README.md)."""
import http.client
import json
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from kernel import Kernel  # noqa: E402

TIMES = {"_created_at", "_updated_at"}
# Members whose values are the server's own.
OWN_VALUES = {"version", "stats"}


def read_transcripts():
    with open(HERE / "transcripts.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Replay:
    """Sends recorded requests with the recorded ids replaced by ours."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.ids = {}

    def translate(self, text):
        for recorded, ours in self.ids.items():
            text = text.replace(recorded, ours)
        return text

    def close(self):
        self.connection.close()

    def send(self, request):
        body = request["body"]
        data = None if body is None else self.translate(json.dumps(body)).encode()
        self.connection.request(request["method"], self.translate(request["path"]), data,
                                request["headers"])
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def learn(self, recorded, ours):
        """Pairs the ids that an insert gave."""
        pairs = []
        if "document_id" in recorded and "document_id" in ours:
            pairs.append((recorded["document_id"], ours["document_id"]))
        pairs += zip(recorded.get("document_ids", []), ours.get("document_ids", []))
        self.ids.update(pairs)


def comparable(document):
    """A document without what is new in every run, as something that sorts."""
    return json.dumps({k: v for k, v in document.items() if k not in TIMES}, sort_keys=True)


class ReplayTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel(options=["--dev"])
        cls.addClassCleanup(cls.kernel.__exit__)

    def check_members(self, replay, request, recorded, ours):
        # Which documents a full page without a sort holds is each server's own choice.
        full_page = (request["body"] or {}).get("limit") == recorded.get("count", 0)
        for name, value in recorded.items():
            self.assertIn(name, ours)
            if name in OWN_VALUES:
                continue
            if full_page and name == "documents":
                self.assertEqual([d.keys() for d in value], [d.keys() for d in ours[name]])
                self.assertTrue(all(d["age"] >= 30 for d in ours[name]))
                continue
            value = json.loads(replay.translate(json.dumps(value)))
            if name in ("documents", "results"):
                self.assertEqual(sorted(map(comparable, value)), sorted(map(comparable, ours[name])))
            elif name == "document":
                self.assertEqual(comparable(value), comparable(ours[name]))
                self.assertLessEqual(TIMES, ours[name].keys())
            elif name == "collections":
                self.assertEqual(sorted(value), sorted(ours[name]))
            else:
                self.assertEqual(value, ours[name], name)

    def check(self, replay, exchange):
        request, recorded = exchange["request"], exchange["response"]
        status, ours = replay.send(request)
        key = {k.lower(): v for k, v in request["headers"].items()}.get("x-api-key")
        if key == "wrong":
            self.assertEqual((status, ours["code"]), (401, "invalid_key"))
        elif "%24foo" in request["path"]:
            self.assertEqual((status, ours["code"]), (400, "unknown_operator"))
        elif request["path"].startswith("/vector/"):
            self.assertEqual(status, recorded["status"])
            self.check_search(ours)
        elif recorded["status"] >= 400:
            self.assertEqual(status, recorded["status"])
            self.assertEqual(ours["status"], recorded["status"])
            self.assertEqual(ours["error"], recorded["body"]["error"])
        else:
            self.assertEqual(status, recorded["status"], ours)
            replay.learn(recorded["body"], ours)
            self.check_members(replay, request, recorded["body"], ours)

    def check_search(self, ours):
        self.assertGreater(ours["count"], 0)
        self.assertEqual(ours["count"], len(ours["results"]))
        best = ours["results"][0]
        self.assertAlmostEqual(best["similarity"], 1.0, places=6)
        self.assertEqual(best["document_id"], best["document"]["_id"])
        self.assertNotIn("__vector__", best["document"])

    def test_every_exchange(self):
        replay = Replay(self.kernel.port)
        self.addCleanup(replay.close)
        transcripts = read_transcripts()
        self.assertEqual(len(transcripts), 43)
        for number, exchange in enumerate(transcripts, 1):
            request = exchange["request"]
            with self.subTest(line=number, request=f"{request['method']} {request['path']}"):
                self.check(replay, exchange)


if __name__ == "__main__":
    unittest.main()
