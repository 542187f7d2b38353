"""NexaDB's Python client: standard library only, Python 3.9 or newer.

    from nexadb_client import NexaDB

    db = NexaDB()                                   # 127.0.0.1:6969, key from the usual places
    users = db.collection("users")
    user_id = users.insert({"name": "Ada", "age": 36})
    users.find({"age": {"$gt": 30}}, limit=10)

A NexaDB object may be shared by threads: each request takes a connection from its pool.
"""
from . import codes, contract
from .client import Collection, NexaDB, VectorCollection, VectorHit
from .errors import (
    AuthError,
    BulkWriteError,
    Conflict,
    ConnectionFailed,
    DuplicateKey,
    NexaDBError,
    NexaDBException,
    NotFound,
    RateLimited,
    ServerError,
    ValidationError,
)

__all__ = [
    "AuthError",
    "BulkWriteError",
    "Collection",
    "Conflict",
    "ConnectionFailed",
    "DuplicateKey",
    "NexaDB",
    "NexaDBError",
    "NexaDBException",
    "NotFound",
    "RateLimited",
    "ServerError",
    "ValidationError",
    "VectorCollection",
    "VectorHit",
    "codes",
    "contract",
]
__version__ = "0.1.0"
