"""The database, its collections and its vector collections."""
import os
from pathlib import Path
from urllib.parse import quote

from . import errors
from .transport import Transport

# A page of a listing, and how many documents one bulk request carries.
PAGE_SIZE = 1000
BULK_SIZE = 1000
KEY_FILES = ("./nexadb_data/root.key", "/var/lib/nexadb/root.key")


def find_api_key():
    """The key of NEXADB_API_KEY, NEXADB_API_KEY_FILE, or the first readable default key file."""
    if os.environ.get("NEXADB_API_KEY"):
        return os.environ["NEXADB_API_KEY"]
    named = os.environ.get("NEXADB_API_KEY_FILE")
    for path in [named] if named else KEY_FILES:
        try:
            return Path(path).read_text(encoding="ascii").strip()
        except OSError as error:
            if named:
                raise errors.NexaDBError(f"NEXADB_API_KEY_FILE: {error}") from error
    return None


class NexaDB:
    """A connection to one server. `api_key` None looks in the usual places, "" sends none.

    `tls=True` speaks HTTPS and trusts the authorities of this machine; `ca_file`, a PEM file, speaks
    HTTPS and trusts the ones in it instead.
    """

    def __init__(self, host="127.0.0.1", port=6969, api_key=None, timeout=30.0, tls=False, ca_file=None):
        key = find_api_key() if api_key is None else api_key
        self._transport = Transport(host, port, key, timeout, tls, ca_file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getitem__(self, name):
        return self.collection(name)

    def close(self):
        self._transport.close()

    def collection(self, name):
        return Collection(self._transport, name)

    def vector_collection(self, name, dimensions=768):
        return VectorCollection(self._transport, name, dimensions)

    def list_collections(self):
        """Names, in order."""
        return self._request("GET", "/collections")["collections"]

    def list_buckets(self):
        """Names of the key-value buckets that the key may read."""
        names, cursor = [], None
        while True:
            page = self._request("GET", "/kv", query={"cursor": cursor} if cursor else None)
            names.extend(bucket["name"] for bucket in page["buckets"])
            cursor = page["next_cursor"]
            if not cursor:
                return names

    def drop_collection(self, name):
        """True when it was there."""
        try:
            self._request("DELETE", f"/collections/{quote(name, safe='')}")
        except errors.NotFound:
            return False
        return True

    def status(self):
        return self._request("GET", "/status")

    def stats(self):
        return self._request("GET", "/stats")["stats"]

    def _request(self, method, path, body=None, query=None):
        return self._transport.request(method, path, body, query)[1]


class Collection:
    """Documents of one collection. A missing collection reads as empty; the first insert makes it."""

    def __init__(self, transport, name):
        self._transport = transport
        self.name = name
        self._path = f"/collections/{quote(name, safe='')}"

    def insert(self, document):
        """Stores one document; returns its `_id`."""
        return self._post("", document)["document_id"]

    def insert_many(self, documents):
        """Stores any number of documents, in order; returns their ids. Stops at the first refused
        one with BulkWriteError; what came before it stays."""
        ids = []
        for chunk in _chunks(documents, BULK_SIZE):
            status, answer = self._transport.request("POST", self._path + "/bulk", {"documents": chunk})
            ids.extend(answer["document_ids"])
            if status == 207:
                answer = dict(answer, document_ids=ids)
                first = answer["errors"][0]
                raise errors.BulkWriteError(first.get("detail", "a document was refused"), status, answer)
        return ids

    def find(self, query=None, limit=100, sort=None, skip=0, fields=None):
        """Up to `limit` documents. `sort` is {"age": -1}; `fields` a projection or a list of paths."""
        found = []
        cursor = None
        while len(found) < limit:
            body = {"query": query or {}, "limit": min(PAGE_SIZE, limit - len(found))}
            if sort:
                body["sort"] = dict(sort)
            if fields:
                body["fields"] = fields
            if cursor:
                body["cursor"] = cursor
            elif skip:
                body["skip"] = skip
            answer = self._post("/query", body)
            found.extend(answer["documents"])
            cursor = answer.get("next_cursor")
            if not cursor:
                break
        return found

    def query(self, query=None, limit=100):
        """The same as find."""
        return self.find(query, limit)

    def find_one(self, query=None):
        """The first match, or None."""
        found = self.find(query, limit=1)
        return found[0] if found else None

    def find_by_id(self, document_id):
        """The document, or None."""
        try:
            return self._send("GET", self._id_path(document_id))["document"]
        except errors.NotFound:
            return None

    def update(self, document_id, changes):
        """Sets the given fields and keeps the others. False when there is no such document."""
        try:
            self._send("PUT", self._id_path(document_id), changes)
        except errors.NotFound:
            return False
        return True

    def update_many(self, query, changes):
        """Sets fields, or applies operators ({"$inc": …}), in every match; returns how many matched.

        An empty query means all documents.
        """
        operators = changes if any(k.startswith("$") for k in changes) else {"$set": changes}
        body = {"filter": query, "update": operators, "multi": True}
        if not query:
            body["all"] = True
        return self._post("/_update", body)["matched"]

    def delete(self, document_id):
        """True when it was there."""
        try:
            self._send("DELETE", self._id_path(document_id))
        except errors.NotFound:
            return False
        return True

    def delete_many(self, query):
        """Removes every match; returns how many. An empty query removes all documents."""
        body = {"filter": query}
        if not query:
            body["all"] = True
        return self._post("/_delete", body)["deleted"]

    def aggregate(self, pipeline):
        return self._post("/aggregate", {"pipeline": pipeline})["results"]

    def count(self, query=None):
        return self._post("/_count", {"filter": query or {}})["count"]

    def _id_path(self, document_id):
        return "/" + quote(str(document_id), safe="")

    def _post(self, path, body):
        return self._send("POST", path, body)

    def _send(self, method, path, body=None):
        return self._transport.request(method, self._path + path, body)[1]


class VectorHit(tuple):
    """One search result. Unpacks as (id, similarity, document), and answers by name as well:
    hit["document_id"], hit["similarity"], hit["document"]."""

    _NAMES = {"document_id": 0, "id": 0, "similarity": 1, "score": 1, "document": 2}

    def __new__(cls, document_id, similarity, document):
        return super().__new__(cls, (document_id, similarity, document))

    def __getitem__(self, key):
        if isinstance(key, str):
            if key not in self._NAMES:
                raise KeyError(key)
            key = self._NAMES[key]
        return super().__getitem__(key)

    def get(self, key, default=None):
        return self[key] if key in self._NAMES else default

    def keys(self):
        return ("document_id", "similarity", "document")


class VectorCollection(Collection):
    """A collection whose documents each carry a vector of `dimensions` numbers."""

    def __init__(self, transport, name, dimensions):
        super().__init__(transport, name)
        self.dimensions = dimensions
        self._vector_path = f"/vector/{quote(name, safe='')}"

    def insert(self, document, vector=None):
        """Stores the document and its vector together; returns the document's `_id`."""
        if vector is None:
            return super().insert(document)
        return super().insert(dict(document, __vector__=self._checked(vector)))

    def search(self, vector, limit=10, filter=None):
        """The nearest documents, best first, as VectorHit."""
        body = {"vector": self._checked(vector), "limit": limit, "dimensions": self.dimensions}
        if filter:
            body["filter"] = filter
        answer = self._transport.request("POST", self._vector_path + "/search", body)[1]
        return [VectorHit(r["document_id"], r["similarity"], r["document"]) for r in answer["results"]]

    def _checked(self, vector):
        values = [float(v) for v in vector]
        if len(values) != self.dimensions:
            raise errors.ValidationError(
                f"the vector has {len(values)} numbers, collection '{self.name}' takes "
                f"{self.dimensions}", problem={"code": "vector_dimension_mismatch"})
        return values


def _chunks(items, size):
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
