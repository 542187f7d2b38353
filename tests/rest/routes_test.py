"""Walks every route of /openapi.json: the server and its document name the same paths and methods."""
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "rest")]

import reference  # noqa: E402
from kernel import Kernel  # noqa: E402

BODY = {"application/json": b"{}", "application/x-ndjson": b"{}\n", "text/csv": b"a\n1\n", "*/*": b"x",
        "application/merge-patch+json": b"{}"}


class RoutesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # As on a machine of another size: what is generated must not depend on the one that it is generated on.
        cls.kernel = Kernel(edit=lambda text: text.replace('body_memory_bytes_max = "0"',
                                                           'body_memory_bytes_max = "123MiB"'))
        cls.addClassCleanup(cls.kernel.__exit__)
        assert cls.kernel.http("GET", "/status")[1]["limits"]["body_memory_bytes_max"]["value"] == 123 << 20
        status, cls.document = cls.kernel.http("GET", "/openapi.json", key="")
        assert status == 200

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def call(self, method, path, operation):
        content = operation.get("requestBody", {}).get("content", {})
        media_type = next(iter(content), None)
        headers, body = {}, None
        if media_type:
            body = BODY[media_type]
            headers["Content-Type"] = "application/octet-stream" if media_type == "*/*" else media_type
        return self.kernel.http(method, path, body, headers=headers, raw=True)

    def test_every_operation_is_served_under_every_prefix(self):
        served = 0
        for method, path, operation in self.operations():
            concrete = re.sub(r"\{\w+\}", "walk", path)
            for prefix in ("", "/v1"):
                with self.subTest(method=method, path=prefix + path):
                    status, data = self.call(method, prefix + concrete, operation)
                    self.assertNotIn(b'"code":"route_not_found"', data.replace(b" ", b"")[:2000])
                    self.assertNotEqual(status, 405)
                    self.assertLess(status, 500, data[:500])
                    served += 1
        self.assertGreater(served, 100)

    def test_operations_are_named_once_and_described(self):
        names = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(names), len(set(names)))
        for method, path, operation in self.operations():
            with self.subTest(method=method, path=path):
                self.assertTrue(operation["summary"])
                in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
                self.assertEqual(in_path, set(re.findall(r"\{(\w+)\}", path)))

    def test_the_reference_and_the_clients_constants_are_generated_from_this_server(self):
        for path, text in reference.of(self.kernel).items():
            self.assertEqual(path.read_text(encoding="utf-8"), text, "run tests/rest/reference.py")
        page = reference.PAGE.read_text(encoding="utf-8")
        told = page.split(reference.BEGIN)[0]
        named = set(re.findall(r"`(?:(?:GET|POST|PUT|PATCH|DELETE) )?(/[^`\s?]*)", told))
        self.assertEqual([path for path in self.document["paths"] if path not in named], [])
        self.assertEqual(named - set(self.document["paths"]), {"/", "/v1", "/db/shop/collections/orders"})

    def test_no_request_can_load_code_or_change_the_configuration(self):
        writing = [f"{method} {path}" for method, path, _ in self.operations() if method != "GET"]
        self.assertEqual([route for route in writing if re.search("plugin|config|load|module|reload", route)], [])

    def test_another_method_is_405_with_allow(self):
        status, data = self.kernel.http("PUT", "/collections", b"{}",
                                        headers={"Content-Type": "application/json"})
        self.assertEqual((status, data["code"]), (405, "method_not_allowed"))
        self.assertEqual({m.strip() for m in self.kernel.last_headers["Allow"].split(",")} - {"HEAD", "OPTIONS"},
                         {"GET", "POST"})
        status, data = self.kernel.http("GET", "/nothing/here")
        self.assertEqual((status, data["code"]), (404, "route_not_found"))


if __name__ == "__main__":
    unittest.main()
