"""What a call can raise. Decide by class or by `code`, never by the message."""


class NexaDBError(Exception):
    """Base of all. `code` and `status` are the server's; `problem` is its whole answer."""

    def __init__(self, message, status=0, problem=None):
        super().__init__(message)
        self.status = status
        self.problem = problem or {}
        self.code = self.problem.get("code", "")
        self.request_id = self.problem.get("request_id", "")
        self.retryable = bool(self.problem.get("retryable", False))


# The name that the first client used.
NexaDBException = NexaDBError


class ConnectionFailed(NexaDBError):
    """Nothing answered, or the connection broke before the whole answer was there."""


class AuthError(NexaDBError):
    """401: no key or a bad one; 403: the key may not do this."""


class NotFound(NexaDBError):
    """404: no such document, collection or route."""


class Conflict(NexaDBError):
    """409 and 412: somebody else was first."""


class DuplicateKey(Conflict):
    """409: a document with that key exists."""


class ValidationError(NexaDBError, ValueError):
    """400, 413, 415, 422: the request itself is wrong."""


class RateLimited(NexaDBError):
    """429, also after waiting: the key's rate (`rate_limited`), or too many bad keys
    (`login_throttled`). `retry_after_s`, when the server says it, is the time to wait."""

    @property
    def retry_after_s(self):
        return self.problem.get("retry_after_s")


class ServerError(NexaDBError):
    """5xx."""


class BulkWriteError(NexaDBError):
    """Some documents of a bulk insert were refused; `errors` says which, `document_ids` what stayed."""

    def __init__(self, message, status, answer):
        super().__init__(message, status, answer)
        self.errors = answer.get("errors", [])
        self.document_ids = answer.get("document_ids", [])


_BY_STATUS = {401: AuthError, 403: AuthError, 404: NotFound, 409: Conflict, 412: Conflict,
              429: RateLimited}


def from_answer(status, problem):
    """The exception for an error answer of the server."""
    message = problem.get("detail") or problem.get("error") or f"HTTP status {status}"
    if problem.get("code") == "duplicate_key":
        return DuplicateKey(message, status, problem)
    kind = _BY_STATUS.get(status) or (ServerError if status >= 500 else ValidationError)
    return kind(message, status, problem)
