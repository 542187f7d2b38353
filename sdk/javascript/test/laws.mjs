// What the client does against a running server, as [name, law] pairs: the same in Node
// (client.test.mjs) and in a browser's page (tests/browser/client.test.mjs), so nothing here is of
// one of them. A law gets the client's module, the options that reach the server, and a word that
// keeps its collections apart from other runs'.

function equal(got, expected, what = 'value') {
  const text = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
  if (text(got) !== text(expected)) throw new Error(`${what}: ${text(got)}, expected ${text(expected)}`);
}

async function rejects(promise, expected) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    const fits = error instanceof expected.kind
      && ['status', 'code'].every((name) => expected[name] === undefined || error[name] === expected[name])
      && (expected.says === undefined || expected.says.test(error.message));
    if (!fits) throw new Error(`another error than expected: ${error.name} ${error.status} ${error.code} ${error.message}`);
    return error;
  }
  throw new Error(`no error, but ${JSON.stringify(value)}`);
}

async function aDocumentsLife({ NexaDB }, options, word) {
  const db = new NexaDB(options);
  const users = db.collection(`users_${word}`);
  const ada = await users.insert({ name: 'Ada', age: 36 });
  equal(/^[0-9a-v]{16}$/.test(ada), true, `the id ${ada}`);
  const others = await users.insertMany([{ name: 'Bob', age: 28 }, { name: 'Cy', age: 44 }]);
  equal(others.length, 2);
  const found = await users.find({ age: { $gt: 30 } }, 10, { sort: { age: -1 } });
  equal(found.map((d) => d.name), ['Cy', 'Ada']);
  equal((await users.find({}, 1, { sort: { age: 1 }, skip: 1, fields: ['name'] })).map((d) => [d.name, d.age]), [['Ada', null]]);
  equal((await users.query({ name: 'Bob' }))[0].age, 28);
  equal((await users.findOne({ name: 'Bob' })).age, 28);
  equal(await users.findOne({ name: 'Nobody' }), null);
  equal((await users.findById(ada)).name, 'Ada');
  equal(await users.findById('nope'), null);
  equal(await users.update(ada, { age: 37 }), true);
  equal(await users.update('nope', { age: 1 }), false);
  equal(await users.aggregate([{ $group: { _id: null, n: { $sum: '$age' } } }]), [{ _id: null, n: 109 }]);
  equal(await users.count(), 3);
  equal(await users.count({ age: { $lt: 30 } }), 1);
  equal(await users.updateMany({ age: { $gt: 30 } }, { senior: true }), 2);
  equal(await users.updateMany({ senior: true }, { $inc: { age: 1 } }), 2);
  equal(await users.deleteMany({ senior: true }), 2);
  equal(await users.delete(others[0]), true);
  equal(await users.delete(others[0]), false);
  equal((await db.listCollections()).includes(`users_${word}`), true);
  equal(await db.dropCollection(`users_${word}`), true);
  equal(await db.dropCollection(`users_${word}`), false);
}

async function vectorsFindTheirNearest({ NexaDB, NexaDBError }, options, word) {
  const docs = new NexaDB(options).vectorCollection(`docs_${word}`, 3);
  const north = await docs.insert({ title: 'north', kept: true }, [0, 1, 0]);
  await docs.insert({ title: 'east' }, new Float32Array([1, 0, 0]));
  const hits = await docs.search([0.1, 0.9, 0], 2);
  equal(hits[0].document_id, north);
  equal(hits.map((h) => h.document.title), ['north', 'east']);
  equal(hits[0].similarity > hits[1].similarity, true, 'the best is first');
  equal((await docs.search([1, 0, 0], 2, { kept: true })).length, 1);
  await rejects(docs.insert({}, [1]), { kind: NexaDBError, code: 'vector_dimension_mismatch' });
  equal(await docs.count(), 2);
}

async function pagesGoBeyondOneRequest({ NexaDB }, options, word) {
  const many = new NexaDB(options).collection(`many_${word}`);
  const numbers = Array.from({ length: 2500 }, (_, n) => n);
  equal((await many.insertMany(numbers.map((n) => ({ n })))).length, 2500);
  equal((await many.find({}, 10_000, { sort: { n: 1 } })).map((d) => d.n), numbers);
  equal((await many.find({}, 1200)).length, 1200);
}

async function errorsSayWhatHappened({ NexaDB, NexaDBError, BulkWriteError }, options, word) {
  const db = new NexaDB(options);
  const items = db.collection(`items_${word}`);
  await items.insert({ _id: 'a' });
  await rejects(items.insert({ _id: 'a' }), { kind: NexaDBError, code: 'duplicate_key', status: 409 });
  const partial = await rejects(items.insertMany([{ _id: 'b' }, { _id: 'a' }]), { kind: BulkWriteError, status: 207 });
  equal([partial.documentIds.length, partial.errors[0].index], [1, 1]);
  await rejects(items.find({ a: { $gte2: 1 } }), { kind: NexaDBError, code: 'unknown_operator', says: /Did you mean '\$gte'/ });
  await rejects(items.find({ a: undefined }), { kind: TypeError });
  await rejects(new NexaDB({ ...options, apiKey: 'wrong' }).listCollections(),
    { kind: NexaDBError, status: 401, code: 'invalid_key' });
  await rejects(new NexaDB({ ...options, apiKey: '' }).listCollections(),
    { kind: NexaDBError, status: 401, code: 'unauthorized' });
  await rejects(new NexaDB({ url: 'http://127.0.0.1:9', apiKey: 'any' }).status(),
    { kind: NexaDBError, status: 0, code: 'unreachable', says: /127\.0\.0\.1:9 .*is nexadb-kernel running/ });
  equal((await db.status()).database, 'NexaDB');
  equal(Boolean((await db.stats()).engine_stats), true);
}

async function integersOf64BitsAreExact({ NexaDB, NexaDBError }, options, word) {
  const exact = new NexaDB({ ...options, bigint: true }).collection(`longs_${word}`);
  const plain = new NexaDB(options).collection(`longs_${word}`);
  const large = 9007199254740993n;  // 2^53 + 1, which no number is
  const id = await exact.insert({ n: large, small: 7n, list: [-(2n ** 63n)] });
  const stored = await exact.findById(id);
  equal([stored.n, stored.small, stored.list], [large, 7, [-(2n ** 63n)]]);
  equal(await exact.count({ n: large }), 1);
  equal(await exact.count({ n: large + 1n }), 0);
  const [kept] = await plain.find({ n: { $gt: 2n ** 53n } });
  equal(kept.n, { $numberLong: String(large) });
  equal(await plain.update(id, { copy: kept.n }), true);
  equal((await exact.findById(id)).copy, large);
  await rejects(plain.insert({ n: 2n ** 63n }), { kind: NexaDBError, code: 'invalid_argument', says: /64 bits/ });
  const cycle = {};
  cycle.self = cycle;
  await rejects(plain.insert(cycle), { kind: NexaDBError, code: 'invalid_argument' });
  equal(await plain.count(), 1);
}

async function namesAndIdsMayHoldAnyCharacters({ NexaDB }, options, word) {
  const odd = new NexaDB(options).collection(`naïve ${word}`);
  const id = 'a/b?c#d %25 ü';
  equal(await odd.insert({ _id: id, n: 1 }), id);
  equal((await odd.findById(id)).n, 1);
  equal(await odd.update(id, { n: 2 }), true);
  equal(await odd.delete(id), true);
  equal(await odd.count(), 0);
}

export const laws = [
  ["a document's life", aDocumentsLife],
  ['vectors find their nearest', vectorsFindTheirNearest],
  ['pages go beyond one request', pagesGoBeyondOneRequest],
  ['errors say what happened', errorsSayWhatHappened],
  ['integers of 64 bits are exact', integersOf64BitsAreExact],
  ['names and ids may hold any characters', namesAndIdsMayHoldAnyCharacters],
];
