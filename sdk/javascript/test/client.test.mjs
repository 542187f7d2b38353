// The client's laws in Node, as ES module and as CommonJS, against a running server:
// NEXADB_TEST_PORT and NEXADB_TEST_KEY say where.
// tests/integration/sdk_javascript_test.py starts one and runs this file.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
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
