'use strict';
// NexaDB's JavaScript client, for Node 18 or newer and for browsers. It needs only fetch.
//
//   import { NexaDB } from 'nexadb-client';
//   const db = new NexaDB({ host: '127.0.0.1', port: 6969, apiKey });
//   const users = db.collection('users');
//   const id = await users.insert({ name: 'Ada', age: 36 });
//   await users.find({ age: { $gt: 30 } }, 10);
//
// Failures reject with NexaDBError: decide by `code` or `status`, never by the message.
// This file is the source; build.mjs writes dist/nexadb.mjs and dist/nexadb.cjs from it.

const PAGE_SIZE = 1000;
const BULK_SIZE = 1000;
const TIMEOUT_MS = 30_000;
// A request that was refused with 429 has not run, and is sent again after the pause that the server
// asks for; one that would pause longer is the caller's to decide.
const ATTEMPTS_MAX = 3;
const PAUSE_MAX_S = 5;
const KEY_FILES = ['./nexadb_data/root.key', '/var/lib/nexadb/root.key'];

/** What a call rejects with. `problem` is the server's whole answer. */
class NexaDBError extends Error {
  constructor(message, status = 0, problem = {}) {
    super(message);
    this.name = 'NexaDBError';
    this.status = status;
    this.code = problem.code ?? '';
    this.retryable = Boolean(problem.retryable);
    this.requestId = problem.request_id ?? '';
    this.retryAfterS = problem.retry_after_s;
    this.problem = problem;
  }
}

/** Some documents of insertMany were refused: `errors` says which, `documentIds` what stayed. */
class BulkWriteError extends NexaDBError {
  constructor(answer, documentIds) {
    super(answer.errors?.[0]?.detail ?? 'a document was refused', 207, answer);
    this.name = 'BulkWriteError';
    this.errors = answer.errors ?? [];
    this.documentIds = documentIds;
  }
}

// JSON.stringify drops members that are undefined, so a misspelled variable would turn a filter
// into "everything".
function refuseUndefined(value, path) {
  if (value === undefined) throw new TypeError(`${path} is undefined`);
  if (value !== null && typeof value === 'object' && typeof value.toJSON !== 'function') {
    for (const [name, member] of Object.entries(value)) refuseUndefined(member, `${path}.${name}`);
  }
}

// A BigInt is a 64-bit integer, which JSON's numbers cannot hold: Extended JSON writes it as text.
function writeBigInt(_, value) {
  if (typeof value !== 'bigint') return value;
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`the BigInt ${value} needs more than 64 bits`);
  return { $numberLong: String(value) };
}

// The way back. The server writes integers so that a number would round, and only those.
function readBigInt(_, value) {
  const long = value?.$numberLong;
  return typeof long === 'string' && Object.keys(value).length === 1 ? BigInt(long) : value;
}

// Node's fetch takes no authorities of one's own, its https does: as much of fetch as is used here.
function fetchTrusting(ca) {
  if (!globalThis.process?.versions?.node) {
    throw new TypeError('the option ca is for Node; in a browser, install the authority there');
  }
  let modules;
  return async (url, { method, headers, body, signal }) => {
    modules ??= import('node:https').then((https) => ({ https, agent: new https.Agent({ ca, keepAlive: true }) }));
    const { https, agent } = await modules;
    const sent = body === undefined ? headers : { ...headers, 'Content-Length': String(new TextEncoder().encode(body).length) };
    return new Promise((resolve, reject) => {
      const fail = (error) => reject(signal.aborted ? signal.reason : error);
      const request = https.request(url, { method, headers: sent, agent, signal }, (response) => {
        const text = new Promise((done, broken) => {
          let all = '';
          response.setEncoding('utf8');
          response.on('data', (part) => { all += part; });
          response.on('end', () => done(all));
          response.on('error', broken);
          response.on('aborted', () => broken(new Error('the connection broke')));
        });
        text.catch(() => {});
        const status = response.statusCode;
        resolve({
          status,
          ok: status >= 200 && status < 300,
          headers: { get: (name) => response.headers[name.toLowerCase()] ?? null },
          text: () => text,
        });
      });
      request.on('error', fail);
      request.end(body);
    });
  };
}

// Where the other clients look too. A page in a browser has neither an environment nor files.
async function findApiKey() {
  const { env, versions } = globalThis.process ?? {};
  if (!versions?.node) return '';
  if (env.NEXADB_API_KEY) return env.NEXADB_API_KEY;
  const { readFile } = await import('node:fs/promises');
  const named = env.NEXADB_API_KEY_FILE;
  for (const path of named ? [named] : KEY_FILES) {
    try {
      return (await readFile(path, 'latin1')).trim();
    } catch (error) {
      if (named) throw new NexaDBError(`NEXADB_API_KEY_FILE: ${error.message}`, 0, { code: 'no_key' });
    }
  }
  return '';
}

class Transport {
  constructor({ host, port, url, apiKey, timeoutMs, bigint, ca, fetch: own }) {
    const literal = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    this.base = (url ?? `http://${literal}:${port}`).replace(/\/+$/, '');
    this.apiKey = apiKey;
    this.timeoutMs = timeoutMs;
    this.reviver = bigint ? readBigInt : undefined;
    if (ca !== undefined && !this.base.startsWith('https://')) {
      throw new TypeError(`the option ca is for an https url, not for ${this.base}`);
    }
    this.fetch = own ?? (ca === undefined ? globalThis.fetch.bind(globalThis) : fetchTrusting(ca));
  }

  async request(method, path, body, query) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#exchange(method, path, body, query);
      } catch (error) {
        const pause = error.status === 429 ? error.retryAfterS ?? Infinity : Infinity;
        if (attempt === ATTEMPTS_MAX || pause > PAUSE_MAX_S) throw error;
        await new Promise((resume) => { setTimeout(resume, pause * 1000); });
      }
    }
  }

  async #exchange(method, path, body, query) {
    if (this.apiKey === undefined) this.apiKey = await findApiKey();
    const headers = { Accept: 'application/json' };
    if (this.apiKey) headers['X-API-Key'] = this.apiKey;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const search = query ? `?${new URLSearchParams(query)}` : '';
    // Before anything is sent: what cannot be written as JSON, such as a cycle, is the caller's.
    let sent;
    try {
      sent = body === undefined ? undefined : JSON.stringify(body, writeBigInt);
    } catch (error) {
      throw new NexaDBError(`the request cannot be written as JSON: ${error.message}`, 0, {
        code: 'invalid_argument',
      });
    }
    let response;
    let text;
    try {
      response = await this.fetch(this.base + path + search, {
        method,
        headers,
        body: sent,
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      const reason = error.cause?.code ?? error.cause?.message ?? error.message;
      throw new NexaDBError(`no answer from ${this.base} (${reason}); is nexadb-kernel running?`, 0, {
        code: error.name === 'TimeoutError' ? 'timeout' : 'unreachable',
      });
    }
    const json = (response.headers.get('content-type') ?? '').includes('json');
    const answer = json && text ? JSON.parse(text, this.reviver) : text;
    if (!response.ok) {
      const problem = json ? answer : {};
      throw new NexaDBError(problem.detail ?? problem.error ?? `HTTP status ${response.status}`,
        response.status, problem);
    }
    return { status: response.status, answer };
  }
}

const isMissing = (error) => error instanceof NexaDBError && error.status === 404;
const segment = (name) => encodeURIComponent(String(name));

/** Documents of one collection. A missing one reads as empty; the first insert makes it. */
class Collection {
  #transport;
  #path;

  constructor(transport, name) {
    this.#transport = transport;
    this.name = name;
    this.#path = `/collections/${segment(name)}`;
  }

  /** Stores one document; resolves to its `_id`. */
  async insert(document) {
    return (await this.#send('POST', '', document)).document_id;
  }

  /** Stores documents in order; resolves to their ids. */
  async insertMany(documents) {
    const ids = [];
    for (let start = 0; start < documents.length; start += BULK_SIZE) {
      const { status, answer } = await this.#transport.request('POST', `${this.#path}/bulk`, {
        documents: documents.slice(start, start + BULK_SIZE),
      });
      ids.push(...answer.document_ids);
      if (status === 207) throw new BulkWriteError(answer, ids);
    }
    return ids;
  }

  /** Up to `limit` matches. `options`: sort ({ age: -1 }), skip, fields. */
  async find(query = {}, limit = 100, options = {}) {
    refuseUndefined(query, 'query');
    const found = [];
    let cursor = null;
    do {
      const body = { query, limit: Math.min(PAGE_SIZE, limit - found.length) };
      if (options.sort) body.sort = options.sort;
      if (options.fields) body.fields = options.fields;
      if (cursor) body.cursor = cursor;
      else if (options.skip) body.skip = options.skip;
      const answer = await this.#send('POST', '/query', body);
      found.push(...answer.documents);
      cursor = answer.next_cursor;
    } while (cursor && found.length < limit);
    return found;
  }

  /** The same as find. */
  query(query, limit = 100) {
    return this.find(query, limit);
  }

  /** The first match, or null. */
  async findOne(query = {}) {
    return (await this.find(query, 1))[0] ?? null;
  }

  /** The document, or null. */
  async findById(id) {
    return this.#unlessMissing(async () => (await this.#send('GET', `/${segment(id)}`)).document, null);
  }

  /** Sets the given fields and keeps the others; false when there is no such document. */
  async update(id, changes) {
    return this.#unlessMissing(() => this.#send('PUT', `/${segment(id)}`, changes).then(() => true), false);
  }

  /** Sets fields, or applies operators, in every match (of an empty query: all); resolves to how many matched. */
  async updateMany(query, changes) {
    refuseUndefined(query, 'query');
    const operators = Object.keys(changes).some((k) => k.startsWith('$')) ? changes : { $set: changes };
    const all = Object.keys(query).length === 0 ? { all: true } : {};
    return (await this.#send('POST', '/_update', { filter: query, update: operators, multi: true, ...all })).matched;
  }

  /** True when it was there. */
  async delete(id) {
    return this.#unlessMissing(() => this.#send('DELETE', `/${segment(id)}`).then(() => true), false);
  }

  /** Removes every match; an empty query removes all documents. Resolves to how many. */
  async deleteMany(query) {
    refuseUndefined(query, 'query');
    const all = Object.keys(query).length === 0 ? { all: true } : {};
    return (await this.#send('POST', '/_delete', { filter: query, ...all })).deleted;
  }

  async aggregate(pipeline) {
    refuseUndefined(pipeline, 'pipeline');
    return (await this.#send('POST', '/aggregate', { pipeline })).results;
  }

  async count(query = {}) {
    refuseUndefined(query, 'query');
    return (await this.#send('POST', '/_count', { filter: query })).count;
  }

  async #send(method, path, body) {
    return (await this.#transport.request(method, this.#path + path, body)).answer;
  }

  async #unlessMissing(call, otherwise) {
    try {
      return await call();
    } catch (error) {
      if (isMissing(error)) return otherwise;
      throw error;
    }
  }
}

/** A collection whose documents each carry a vector of `dimensions` numbers. */
class VectorCollection extends Collection {
  #transport;

  constructor(transport, name, dimensions = 768) {
    super(transport, name);
    this.#transport = transport;
    this.dimensions = dimensions;
  }

  /** Stores the document and its vector together; resolves to the document's `_id`. */
  async insert(document, vector) {
    if (vector === undefined) return super.insert(document);
    return super.insert({ ...document, __vector__: this.#checked(vector) });
  }

  /** The nearest documents, best first: [{ document_id, similarity, document }]. */
  async search(vector, limit = 10, filter = undefined) {
    const body = { vector: this.#checked(vector), limit, dimensions: this.dimensions };
    if (filter) body.filter = filter;
    const path = `/vector/${segment(this.name)}/search`;
    return (await this.#transport.request('POST', path, body)).answer.results;
  }

  #checked(vector) {
    const values = Array.from(vector, Number);
    if (values.length !== this.dimensions) {
      throw new NexaDBError(
        `the vector has ${values.length} numbers, collection '${this.name}' takes ${this.dimensions}`, 0,
        { code: 'vector_dimension_mismatch' });
    }
    return values;
  }
}

/**
 * A server. Options: host, port, or url; apiKey; timeoutMs; fetch; ca, in Node: the authorities to
 * trust over https, as PEM; bigint: true reads integers beyond Number.MAX_SAFE_INTEGER as BigInt, else they come as { $numberLong: '…' }.
 */
class NexaDB {
  #transport;

  constructor({
    host = '127.0.0.1', port = 6969, url, apiKey, timeoutMs = TIMEOUT_MS, bigint = false, ca, fetch,
  } = {}) {
    this.#transport = new Transport({ host, port, url, apiKey, timeoutMs, bigint, ca, fetch });
  }

  collection(name) {
    return new Collection(this.#transport, name);
  }

  vectorCollection(name, dimensions = 768) {
    return new VectorCollection(this.#transport, name, dimensions);
  }

  async listCollections() {
    return (await this.#get('/collections')).collections;
  }

  /** Names of the key-value buckets that the key may read. */
  async listBuckets() {
    const names = [];
    let cursor = null;
    do {
      const page = await this.#get(cursor ? `/kv?${new URLSearchParams({ cursor })}` : '/kv');
      names.push(...page.buckets.map((bucket) => bucket.name));
      cursor = page.next_cursor;
    } while (cursor);
    return names;
  }

  /** True when it was there. */
  async dropCollection(name) {
    try {
      await this.#transport.request('DELETE', `/collections/${segment(name)}`);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async status() {
    return this.#get('/status');
  }

  async stats() {
    return (await this.#get('/stats')).stats;
  }

  async #get(path) {
    return (await this.#transport.request('GET', path)).answer;
  }
}

/** The name that the first client used. */
const NexaDBException = NexaDBError;

module.exports = { NexaDBError, BulkWriteError, Collection, VectorCollection, NexaDB, NexaDBException };
