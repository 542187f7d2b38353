// The client's laws in Node, as ES module and as CommonJS, against a running server:
// NEXADB_TEST_PORT and NEXADB_TEST_KEY say where.
// tests/integration/sdk_javascript_test.py starts one and runs this file.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as esm from '../dist/nexadb.mjs';
import { laws } from './laws.mjs';

const commonjs = createRequire(import.meta.url)('../dist/nexadb.cjs');
const options = { port: Number(process.env.NEXADB_TEST_PORT), apiKey: process.env.NEXADB_TEST_KEY };

for (const [form, client] of [['esm', esm], ['cjs', commonjs]]) {
  for (const [name, law] of laws) test(`${form}: ${name}`, () => law(client, options, form));
}

test('both forms export the same', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(commonjs).sort());
});

test('the package is found by its name, as import and as require', async () => {
  // A package may import itself by its own name, by the same "exports" that a user's import takes.
  assert.equal(await import('nexadb-client').then((m) => m.NexaDB), esm.NexaDB);
  assert.equal(createRequire(import.meta.url)('nexadb-client').NexaDB, commonjs.NexaDB);
});

async function keyOf(spec) {
  const answer = await fetch(`http://127.0.0.1:${options.port}/keys`, {
    method: 'POST',
    headers: { 'X-API-Key': options.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'rated', actions: ['read', 'write'], patterns: ['*'], ...spec }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).key;
}

test('a call over the rate of its key waits, and runs once', async () => {
  const apiKey = await keyOf({ requests_per_second: 2, burst: 1 });
  const items = new esm.NexaDB({ ...options, apiKey }).collection('waited');
  for (let n = 0; n < 3; n += 1) await items.insert({ _id: String(n) });
  assert.equal(await new esm.NexaDB(options).collection('waited').count(), 3);
});

test('a call that would wait too long rejects and says how long', async () => {
  let calls = 0;
  const busy = async () => {
    calls += 1;
    const body = JSON.stringify({ code: 'login_throttled', status: 429, retry_after_s: 60 });
    return new Response(body, { status: 429, headers: { 'Content-Type': 'application/problem+json' } });
  };
  const db = new esm.NexaDB({ ...options, fetch: busy });
  await assert.rejects(db.listCollections(), (error) => error.status === 429 && error.retryAfterS === 60);
  assert.equal(calls, 1);
});

test('authorities are for https', () => {
  assert.throws(() => new esm.NexaDB({ ...options, ca: 'x' }), /https/);
});

test('buckets are listed, over as many pages as there are', async () => {
  const names = Array.from({ length: 120 }, (_, n) => `js${String(n).padStart(3, '0')}`);
  for (const name of names) {
    const put = await fetch(`http://127.0.0.1:${options.port}/kv/${name}/k`, {
      method: 'PUT', headers: { 'X-API-Key': options.apiKey, 'Content-Type': 'text/plain' }, body: 'v' });
    assert.equal(put.status, 204);
  }
  assert.deepEqual((await new esm.NexaDB(options).listBuckets()).filter((name) => name.startsWith('js')), names);
});

test('without a key the client looks where the others look, and says what it cannot read', async (t) => {
  const [folder, former] = [mkdtempSync(join(tmpdir(), 'nexadb-js-')), process.cwd()];
  process.chdir(folder);
  t.after(() => {
    process.chdir(former);
    rmSync(folder, { recursive: true });
    delete process.env.NEXADB_API_KEY;
    delete process.env.NEXADB_API_KEY_FILE;
  });
  for (const { NexaDB, NexaDBError } of [esm, commonjs]) {
    const sent = async (apiKey) => {
      let key;
      const fetch = async (_, { headers }) => { key = headers['X-API-Key']; return new Response('{}'); };
      await new NexaDB({ apiKey, fetch }).status();
      return key;
    };
    mkdirSync('nexadb_data', { recursive: true });
    writeFileSync('nexadb_data/root.key', 'of the folder\n');
    assert.equal(await sent(), 'of the folder');
    writeFileSync('named.key', 'of a file\n');
    process.env.NEXADB_API_KEY_FILE = 'named.key';
    assert.equal(await sent(), 'of a file');
    process.env.NEXADB_API_KEY = 'of the environment';
    assert.equal(await sent(), 'of the environment');
    assert.equal(await sent('given'), 'given');
    assert.equal(await sent(''), undefined);
    delete process.env.NEXADB_API_KEY;
    process.env.NEXADB_API_KEY_FILE = 'absent.key';
    await assert.rejects(sent(), (error) => error instanceof NexaDBError && error.code === 'no_key' && /absent\.key/.test(error.message));
    delete process.env.NEXADB_API_KEY_FILE;
  }
});
