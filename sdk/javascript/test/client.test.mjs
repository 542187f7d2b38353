// The client against a running server: NEXADB_TEST_PORT and NEXADB_TEST_KEY say where.
// tests/integration/sdk_javascript_test.py starts one and runs this file.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as esm from '../dist/nexadb.mjs';

const commonjs = createRequire(import.meta.url)('../dist/nexadb.cjs');
const options = { port: Number(process.env.NEXADB_TEST_PORT), apiKey: process.env.NEXADB_TEST_KEY };

for (const [form, { NexaDB, NexaDBError, BulkWriteError }] of [['esm', esm], ['cjs', commonjs]]) {
  const db = new NexaDB(options);

  test(`${form}: a document's life`, async () => {
    const users = db.collection(`users_${form}`);
    const ada = await users.insert({ name: 'Ada', age: 36 });
    assert.match(ada, /^[0-9a-v]{16}$/);
    const others = await users.insertMany([{ name: 'Bob', age: 28 }, { name: 'Cy', age: 44 }]);
    assert.equal(others.length, 2);
    const found = await users.find({ age: { $gt: 30 } }, 10, { sort: { age: -1 } });
    assert.deepEqual(found.map((d) => d.name), ['Cy', 'Ada']);
    assert.equal((await users.query({ name: 'Bob' }))[0].age, 28);
    assert.equal((await users.findOne({ name: 'Bob' })).age, 28);
    assert.equal(await users.findOne({ name: 'Nobody' }), null);
    assert.equal((await users.findById(ada)).name, 'Ada');
    assert.equal(await users.findById('nope'), null);
    assert.equal(await users.update(ada, { age: 37 }), true);
    assert.equal(await users.update('nope', { age: 1 }), false);
    assert.deepEqual(await users.aggregate([{ $group: { _id: null, n: { $sum: '$age' } } }]),
      [{ _id: null, n: 109 }]);
    assert.equal(await users.count(), 3);
    assert.equal(await users.updateMany({ age: { $gt: 30 } }, { senior: true }), 2);
    assert.equal(await users.deleteMany({ senior: true }), 2);
    assert.equal(await users.delete(others[0]), true);
    assert.equal(await users.delete(others[0]), false);
    assert.ok((await db.listCollections()).includes(`users_${form}`));
    assert.equal(await db.dropCollection(`users_${form}`), true);
    assert.equal(await db.dropCollection(`users_${form}`), false);
  });

  test(`${form}: vectors`, async () => {
    const docs = db.vectorCollection(`docs_${form}`, 3);
    const north = await docs.insert({ title: 'north' }, [0, 1, 0]);
    await docs.insert({ title: 'east' }, new Float32Array([1, 0, 0]));
    const hits = await docs.search([0.1, 0.9, 0], 2);
    assert.equal(hits[0].document_id, north);
    assert.equal(hits[0].document.title, 'north');
    assert.ok(hits[0].similarity > hits[1].similarity);
    await assert.rejects(docs.insert({}, [1]), (e) => e.code === 'vector_dimension_mismatch');
  });

  test(`${form}: pages beyond one request`, async () => {
    const many = db.collection(`many_${form}`);
    await many.insertMany(Array.from({ length: 2500 }, (_, n) => ({ n })));
    const found = await many.find({}, 10_000, { sort: { n: 1 } });
    assert.deepEqual(found.map((d) => d.n), Array.from({ length: 2500 }, (_, n) => n));
    assert.equal((await many.find({}, 1200)).length, 1200);
  });

  test(`${form}: errors say what happened`, async () => {
    const items = db.collection(`items_${form}`);
    await items.insert({ _id: 'a' });
    await assert.rejects(items.insert({ _id: 'a' }),
      (e) => e instanceof NexaDBError && e.code === 'duplicate_key' && e.status === 409);
    await assert.rejects(items.insertMany([{ _id: 'b' }, { _id: 'a' }]),
      (e) => e instanceof BulkWriteError && e.documentIds.length === 1 && e.errors[0].index === 1);
    await assert.rejects(items.find({ a: { $foo: 1 } }), (e) => e.code === 'unknown_operator');
    await assert.rejects(items.find({ a: undefined }), TypeError);
    await assert.rejects(items.insert({ n: 10n }),
      (e) => e.code === 'invalid_argument' && /BigInt/.test(e.message));
    await assert.rejects(new NexaDB({ ...options, apiKey: 'wrong' }).listCollections(),
      (e) => e.status === 401);
    await assert.rejects(new NexaDB({ port: 9 }).status(), (e) => e.status === 0);
    assert.equal((await db.status()).database, 'NexaDB');
    assert.ok((await db.stats()).engine_stats);
  });
}
