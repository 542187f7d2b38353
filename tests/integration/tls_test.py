#!/usr/bin/env python3
"""HTTPS as a user meets it: what Python's, Node's and this repository's own clients get, certificates
that are renewed under load, and files that cannot be served."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from kernel import BUILD, KERNEL, ROOT, Kernel, eventually, make_certificate, tls_edit, write_config
from nexadb_client import errors
from nexadb_client import NexaDB
from reload_test import Load, WITHIN_S
from sdk_javascript_test import node

BODY_BYTES = 12_000_000


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nexadb-tls-")
        self.addCleanup(folder.cleanup)
        self.directory = Path(folder.name)
        self.certificate, self.key = make_certificate(self.directory)
        self.kernel = Kernel(self.directory, tls_edit(self.certificate, self.key), ca_file=self.certificate)
        self.addCleanup(self.kernel.stop)

    def handshake(self, oldest=ssl.TLSVersion.TLSv1_2, newest=ssl.TLSVersion.TLSv1_3, alpn=None):
        context = ssl.create_default_context(cafile=self.kernel.ca_file)
        context.set_ciphers("ALL:@SECLEVEL=0")  # the client takes what there is: the server must refuse
        context.minimum_version, context.maximum_version = oldest, newest
        if alpn:
            context.set_alpn_protocols(alpn)
        plain = socket.create_connection(("127.0.0.1", self.kernel.port), timeout=30)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise

    def head(self, method, path, *lines):
        more = "".join(line + "\r\n" for line in lines)
        return (f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.kernel.port}\r\n"
                f"X-API-Key: {self.kernel.root_key}\r\n{more}\r\n").encode()

    def read_until_closed(self, connection):
        got = b""
        while part := connection.recv(65536):
            got += part
        return got

    def hup(self, expected):
        before = len(self.kernel.log)
        self.kernel.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            lines = [line for line in self.kernel.log[before:] if "reload: done" in line]
            if lines:
                text = "".join(self.kernel.log[before:])
                self.assertRegex(text, expected)
                return text
            time.sleep(0.01)
        self.fail("no reload:\n" + "".join(self.kernel.log[before:]))

    def served(self):
        with self.handshake() as connection:
            return connection.getpeercert()["serialNumber"]

    def test_versions_and_protocols(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.handshake(version, version, ["h2", "http/1.1"]) as connection:
                self.assertEqual(connection.version(), version.name.replace("_", "."))
                self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
                connection.sendall(self.head("GET", "/healthz", "Connection: close"))
                self.assertTrue(self.read_until_closed(connection).startswith(b"HTTP/1.1 200"))
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaises(OSError):
                self.handshake(version, version)
        with self.assertRaises(OSError):
            self.handshake(alpn=["h2"])
        # The client may know of a failure before it is counted.
        failures = re.compile(r'nexadb_http_tls_handshake_failures_total\{[^}]*reason="protocol"[^}]*\} [3-9]')
        metrics = lambda: self.kernel.http("GET", "/metrics", raw=True)[1].decode()
        self.assertTrue(eventually(lambda: failures.search(metrics())), metrics())
        text = metrics()
        self.assertRegex(text, r'nexadb_http_tls_handshakes_total\{[^}]*instance="http"[^}]*\} \d')
        self.assertRegex(text, r"nexadb_http_tls_certificate_expiry_timestamp_seconds\S* 1\.[78]|"
                               r"nexadb_http_tls_certificate_expiry_timestamp_seconds\S* 1[78]\d{8}")

    def test_bodies_streams_pipelines_and_half_closed_connections(self):
        lines = [json.dumps({"_id": n, "pad": "x" * 400}) for n in range(BODY_BYTES // 420)]
        connection = self.kernel.open()
        headers = {"X-API-Key": self.kernel.root_key, "Content-Type": "application/x-ndjson"}
        connection.request("POST", "/collections/big/_import", iter(line.encode() + b"\n" for line in lines),
                           headers, encode_chunked=True)
        answer = connection.getresponse()
        self.assertEqual((answer.status, json.loads(answer.read())["inserted"]), (201, len(lines)))
        connection.request("GET", "/collections/big/_export", headers=headers)  # the same connection
        exported = connection.getresponse().read().splitlines()
        self.assertGreaterEqual(len(exported), len(lines))
        connection.request("POST", "/collections/one", json.dumps({"pad": "y" * 3_000_000}),
                           dict(headers, **{"Content-Type": "application/json"}))
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        with self.handshake() as pipeline:
            pipeline.sendall(self.head("GET", "/healthz") * 199 + self.head("GET", "/healthz", "Connection: close"))
            self.assertEqual(self.read_until_closed(pipeline).count(b"HTTP/1.1 200"), 200)
        with self.handshake() as half:
            half.sendall(self.head("GET", "/healthz"))
            socket.socket.shutdown(half, socket.SHUT_WR)  # of TCP, without a word of TLS
            self.assertTrue(self.read_until_closed(half).startswith(b"HTTP/1.1 200"))

    def test_slow_and_senseless_clients_disturb_nobody(self):
        held = []
        for n in range(60):
            raw = socket.create_connection(("127.0.0.1", self.kernel.port), timeout=30)
            raw.sendall(os.urandom(200) if n % 3 == 0 else b"\x16\x03\x01\x02"[:n % 3 * 2])
            held.append(raw)
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, WITHIN_S)
        plain = socket.create_connection(("127.0.0.1", self.kernel.port), timeout=30)
        plain.sendall(self.head("GET", "/healthz"))
        self.assertIn(b"https://", self.read_until_closed(plain))
        for raw in held + [plain]:
            raw.close()

    def test_the_clients(self):
        url = f"https://localhost:{self.kernel.port}"
        with self.kernel.connect() as db:
            users = db.collection("users")
            users.insert({"_id": "ada", "age": 36})
            self.assertEqual([user["_id"] for user in users.find({"age": 36})], ["ada"])
        with self.assertRaisesRegex(errors.ConnectionFailed, "not trusted.*ca_file"):
            NexaDB("127.0.0.1", self.kernel.port, "k", tls=True).list_collections()
        cli = [str(BUILD / "bin" / "nexadb"), "--url", url, "find", "users", "{}"]
        environment = dict(os.environ, NEXADB_API_KEY=self.kernel.root_key)
        trusting = subprocess.run(cli + ["--ca-file", str(self.certificate)], env=environment,
                                  capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(trusting.returncode, 0, trusting.stderr)
        self.assertIn("ada", trusting.stdout)
        wary = subprocess.run(cli, env=environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(wary.returncode, 0)
        self.assertIn("CA file", wary.stderr)
        program = f"""import {{ NexaDB }} from '{ROOT}/sdk/javascript/dist/nexadb.mjs';
            const db = new NexaDB({{ url: '{url}', apiKey: process.env.NEXADB_API_KEY }});
            console.log(JSON.stringify(await db.collection('users').find({{}})));"""
        script = [node(), "--input-type=module", "--eval", program]
        environment["NODE_EXTRA_CA_CERTS"] = str(self.certificate)
        trusting = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("ada", trusting.stdout, trusting.stderr)
        del environment["NODE_EXTRA_CA_CERTS"]
        own = ["import { readFileSync } from 'node:fs';\n" + program.replace(
            "apiKey:", f"ca: readFileSync('{ca}'), apiKey:") for ca in (self.certificate, "/etc/ssl/certs/ca-certificates.crt")]
        named = [subprocess.run(script[:-1] + [text], env=environment, capture_output=True, text=True, timeout=60,
                                check=False) for text in own]
        self.assertIn("ada", named[0].stdout, named[0].stderr)
        self.assertRegex(named[1].stderr, "no answer.*(self-signed|SELF_SIGNED)")
        wary = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("SELF_SIGNED_CERT", wary.stderr)

    def test_a_renewed_certificate_is_served_under_load_and_a_bad_one_is_not(self):
        # Its callers trust the first three certificates; each signs itself.
        first = self.certificate.read_text(encoding="ascii")
        renewed = [make_certificate(self.directory, f"next{n}") for n in range(3)]
        trusted = self.directory / "trusted.pem"
        trusted.write_text(first + "".join(c.read_text(encoding="ascii") for c, _ in renewed), encoding="ascii")
        self.kernel.ca_file = trusted
        serials = [self.served()]
        with Load(self.kernel) as kept, Load(self.kernel, fresh=True) as fresh:
            for certificate, key in renewed[:2]:
                os.replace(certificate, self.certificate)
                os.replace(key, self.key)
                self.hup("is valid until 20.*\n(.*\n)*.*done, 0 replaced")
                serials.append(self.served())
                fresh.wait_for(20)
            self.assertEqual(len(set(serials)), 3)
            good_key = self.key.read_text(encoding="ascii")
            self.key.write_text(renewed[2][1].read_text(encoding="ascii"), encoding="ascii")
            said = self.hup(r'instance "http" goes on as it was: tls\.private_key: \S+ is not the key of')
            self.assertIn(str(self.key), said)
            self.assertEqual(self.served(), serials[-1])
            # With an option changed too, the server is replaced: not as long as the files are bad.
            text = self.kernel.config.read_text(encoding="utf-8")
            self.kernel.config.write_text(text.replace("idle_timeout = \"75s\"", "idle_timeout = \"74s\"", 1),
                                          encoding="utf-8")
            self.hup('instance "http" goes on as it was: .*tls.private_key')
            self.assertEqual(self.served(), serials[-1])
            self.key.write_text(good_key, encoding="ascii")
            self.hup('instance "http" was replaced')
            fresh.wait_for(20)
            kept.wait_for(20)
        self.assertEqual(kept.failures + fresh.failures, [])
        self.assertEqual(self.served(), serials[-1])

    def test_certificates_are_renewed_as_often_as_one_likes(self):
        # OpenSSL has 127 kinds of BIO for a process; a load must not take one.
        first = self.certificate.read_text(encoding="ascii")
        others = [make_certificate(self.directory, f"other{n}") for n in range(2)]
        trusted = self.directory / "trusted.pem"
        trusted.write_text(first + "".join(c.read_text(encoding="ascii") for c, _ in others), encoding="ascii")
        self.kernel.ca_file = trusted
        serials = set()
        for n in range(200):
            certificate, key = others[n % 2]
            for source, target in ((certificate, self.certificate), (key, self.key)):
                new = Path(f"{target}.new")
                shutil.copy(source, new)
                os.replace(new, target)
            self.hup("is valid until 20.*\n(.*\n)*.*done, 0 replaced")
            if n in (0, 1, 125, 126, 127, 128, 199):
                serials.add((n % 2, self.served()))
                self.assertEqual(self.kernel.http("GET", "/status")[0], 200)
        # One for each certificate, all the time.
        self.assertEqual((len(serials), len({serial for _, serial in serials})), (2, 2))
        self.assertEqual(self.kernel.stop(), 0)

    def test_the_key_is_in_no_log_and_no_printed_configuration(self):
        self.kernel.http("GET", "/status")
        self.hup("done, 0 replaced")
        printed = subprocess.run([str(KERNEL), "--config", str(self.kernel.config), "--print-config"],
                                 capture_output=True, text=True, timeout=60, check=True)
        log = "".join(self.kernel.log)
        for line in self.key.read_text(encoding="ascii").splitlines():
            self.assertNotIn(line, printed.stdout + printed.stderr + log)
        self.assertIn(str(self.key), printed.stdout)  # where it is, is no secret

    def test_the_administration_page_is_as_configured(self):
        connection = socket.create_connection(("127.0.0.1", self.kernel.admin_port), timeout=30)
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.kernel.admin_port}\r\n"
                           "Connection: close\r\n\r\n".encode())
        self.assertTrue(self.read_until_closed(connection).startswith(b"HTTP/1.1 200"))
        connection.close()


class BadFiles(unittest.TestCase):
    def start_error(self, certificate, key):
        config = write_config(self.directory, tls_edit(certificate, key))
        run = subprocess.run([str(KERNEL), "--config", str(config)], cwd=self.directory,
                             capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def test_stop_the_start_by_name_and_reason(self):
        with tempfile.TemporaryDirectory(prefix="nexadb-tls-") as folder:
            self.directory = Path(folder)
            good, key = make_certificate(folder)
            other, other_key = make_certificate(folder, "other")
            self.assertRegex(self.start_error(good, other_key),
                             r"tls\.private_key: '\S+other\.key' is not the key of the certificate in '\S+server\.pem'")
            self.assertRegex(self.start_error(folder + "/none.pem", key),
                             r"tls\.certificate: '\S+none\.pem' cannot be read: No such file")
            self.assertRegex(self.start_error(key, key), r"tls\.certificate: .*holds no certificate in PEM form")
            locked = Path(folder) / "locked.key"
            subprocess.run(["openssl", "pkey", "-in", str(other_key), "-aes128", "-passout", "pass:secret",
                            "-out", str(locked)], check=True, capture_output=True)
            self.assertRegex(self.start_error(other, locked), "locked.key' is protected by a passphrase")


if __name__ == "__main__":
    unittest.main()
