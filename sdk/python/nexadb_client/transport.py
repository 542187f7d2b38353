"""HTTP/1.1 over a small pool of kept-alive connections, plain or over TLS."""
import http.client
import json
import socket
import threading
import time
from urllib.parse import quote

from . import errors

POOL_SIZE_MAX = 32
CONNECT_TIMEOUT_S = 2.0
ATTEMPTS_MAX = 3
BACKOFF_S = 0.05
RETRY_STATUSES = (429, 502, 503)
# A server that asks for a longer pause gets no second try: the caller decides.
PAUSE_MAX_S = 5.0


class Transport:
    """Sends one request and returns (status, parsed body). Thread-safe."""

    def __init__(self, host, port, api_key, timeout, tls=False, ca_file=None):
        self.host = host
        self.port = port
        self.timeout = timeout
        self._tls = None
        # What a read says when there is nothing to read.
        self._nothing_yet = (BlockingIOError, InterruptedError)
        self._untrusted = ()
        if tls or ca_file:
            import ssl  # half of this module's import time, and most users need none of it
            self._tls = ssl.create_default_context(cafile=ca_file)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._nothing_yet += (ssl.SSLWantReadError,)
            self._untrusted = ssl.SSLCertVerificationError
        self._headers = {"Accept": "application/json"}
        if api_key:
            self._headers["X-API-Key"] = api_key
        self._idle = []
        self._lock = threading.Lock()

    def request(self, method, path, body=None, query=None):
        if query:
            pairs = (f"{quote(str(k), safe='')}={quote(str(v), safe='')}" for k, v in query.items())
            path = path + "?" + "&".join(pairs)
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        for attempt in range(1, ATTEMPTS_MAX + 1):
            status, answer, retry_after = self._exchange(method, path, payload, headers)
            # What was refused with 429 has not run, so that even a POST may be sent again.
            unsure = method == "POST" and status != 429
            if status not in RETRY_STATUSES or unsure or attempt == ATTEMPTS_MAX or retry_after > PAUSE_MAX_S:
                break
            time.sleep(retry_after or BACKOFF_S * 2 ** attempt)
        if status >= 400:
            raise errors.from_answer(status, answer if isinstance(answer, dict) else {})
        return status, answer

    def close(self):
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, method, path, payload, headers):
        connection, reused = self._take()
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            raw = response.read()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            # A kept-alive connection may have been closed by the server since. A request that
            # may run twice without harm is sent again on a fresh one; others only when the server
            # closed the connection before it could have read them.
            unread = isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError))
            if reused and unread and method != "POST":
                return self._exchange(method, path, payload, headers)
            raise errors.ConnectionFailed(
                f"the connection to {self.host}:{self.port} broke: {error}") from error
        if response.will_close:
            connection.close()
        else:
            self._give_back(connection)
        retry_after = response.headers.get("Retry-After", "")
        return response.status, self._parse(raw, response), float(retry_after or 0)

    @staticmethod
    def _parse(raw, response):
        if not raw or "json" not in response.headers.get("Content-Type", ""):
            return raw
        return json.loads(raw)

    def _take(self):
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect(), False
            if not self._is_stale(connection):
                return connection, True
            connection.close()

    def _is_stale(self, connection):
        """An idle connection has nothing to read, unless the server has closed it."""
        connection.sock.setblocking(False)
        try:
            connection.sock.recv(1)
            return True
        except self._nothing_yet:
            return False
        except OSError:
            return True
        finally:
            connection.sock.settimeout(self.timeout)

    def _connect(self):
        if self._tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=CONNECT_TIMEOUT_S,
                                                     context=self._tls)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=CONNECT_TIMEOUT_S)
        try:
            connection.connect()
        except self._untrusted as error:
            raise errors.ConnectionFailed(
                f"the certificate of {self.host}:{self.port} is not trusted: {error.verify_message}; "
                "ca_file names the authority to trust") from error
        except OSError as error:
            raise errors.ConnectionFailed(
                f"nothing listens at {self.host}:{self.port} ({error}); "
                "is nexadb-kernel running?") from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.settimeout(self.timeout)
        return connection

    def _give_back(self, connection):
        with self._lock:
            if len(self._idle) < POOL_SIZE_MAX:
                self._idle.append(connection)
                return
        connection.close()
