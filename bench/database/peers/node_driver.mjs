// Engines that come as npm packages, in this process; the same workloads as the C++ drivers.
//   node node_driver.mjs ENGINE DIRECTORY DOCUMENTS SECONDS ROUND
// ENGINE: duckdb-json | duckdb-columns | mingo | surrealdb. DIRECTORY holds documents.ndjson,
// cities.ndjson and node_modules; databases are made in it and removed.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , ENGINE, DIRECTORY, documents, seconds, round] = process.argv;
const N = Number(documents);
const SECONDS_MAX = Number(seconds);
const BATCH = 1000;
const RANGE_WIDTH = 1000;

const take = (file, count) => fs.readFileSync(path.join(DIRECTORY, file), 'utf8').split('\n', count);
const lines = take('documents.ndjson', N);
const cities = take('cities.ndjson', 99);
const ids = lines.map((line) => line.slice(8, 32));

const M64 = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;
const randomBelow = (i, limit) => {
  let z = (BigInt(i) * GOLDEN + GOLDEN) & M64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & M64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & M64;
  return Number((z ^ (z >> 31n)) % BigInt(limit));
};
const rangeLow = (i) => {
  let z = (BigInt(i) * GOLDEN) & M64;
  z ^= z >> 29n;
  return Number(z % BigInt((1 << 20) - RANGE_WIDTH));
};

const machineCpu = () => {
  const f = fs.readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/).map(Number);
  return (f[1] + f[2] + f[3] + f[6] + f[7]) / 100;
};
const rounded = (x, digits) => Number(x.toFixed(digits));

async function measure(workload, durability, calls, items, body, secondsMax = SECONDS_MAX) {
  const latencies = [];
  let answer = 0;
  const cpuBefore = process.cpuUsage();
  const machineBefore = machineCpu();
  const begin = performance.now();
  for (let i = 0; i < calls && (i === 0 || performance.now() - begin < secondsMax * 1000); i++) {
    const before = performance.now();
    answer = await body(i);
    latencies.push((performance.now() - before) * 1000);
  }
  const spent = (performance.now() - begin) / 1000;
  const used = process.cpuUsage(cpuBefore);
  const cpu = (used.user + used.system) / 1e6;
  const others = (machineCpu() - machineBefore - cpu) / spent;
  latencies.sort((a, b) => a - b);
  const at = (share) => rounded(latencies[Math.floor(share * (latencies.length - 1))], 2);
  const done = latencies.length * items;
  console.log(JSON.stringify({
    suite: 'database', engine: ENGINE, workload, value_bytes: 300, threads: 1,
    round: Number(round), ops_s: rounded(done / spent, 1), p50_us: at(0.5), p99_us: at(0.99),
    p999_us: at(0.999), cpu_us_op: rounded((cpu / done) * 1e6, 4), disk_bytes: 0,
    rss_bytes: process.resourceUsage().maxRSS * 1024, durability, others_cores: rounded(others, 2),
    documents: N, items, answer,
  }));
}

const load = (file) => import(pathToFileURL(path.join(DIRECTORY, 'node_modules', file)).href);
const remove = (name) => fs.rmSync(path.join(DIRECTORY, name), { recursive: true, force: true });

// Adapters. What an engine cannot do, or does not do as a database would, it leaves out.
const engines = {};

function duckdb(columns) {
  let instance, connection, getStatement;
  const number = (f) => (columns ? f : `CAST(doc->>'$.${f}' AS BIGINT)`);
  const text = (f) => (columns ? f : `(doc->>'$.${f}')`);
  const filter = `${text('status')}='active' AND ${number('age')}>=30`;
  const group = `SELECT ${text('city')} c, count(*), sum(${number('balance')}), avg(${number('age')}) FROM docs`;
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows();
  const one = async (sql) => Number((await rows(sql))[0][0]);
  const tags = columns ? "list_contains(tags,'tag7')" : `json_contains(doc->'$.tags','"tag7"')`;
  const zip = columns ? 'address.zip' : `(doc->>'$.address.zip')`;
  return {
    durability: 'disk',
    async open() {
      ['duck.db', 'duck.db.wal'].forEach(remove);
      const { DuckDBInstance } = await load('@duckdb/node-api/lib/index.js');
      instance = await DuckDBInstance.create(path.join(DIRECTORY, 'duck.db'));
      connection = await instance.connect();
      await connection.run('SET threads=2');
    },
    async load() {
      const source = path.join(DIRECTORY, 'documents.ndjson');
      const city = path.join(DIRECTORY, 'cities.ndjson');
      await measure('insert_file', 'disk', 1, N, async () => {
        await connection.run(columns
          ? `CREATE TABLE docs AS SELECT * FROM read_json_auto('${source}') LIMIT ${N}`
          : `CREATE TABLE docs AS SELECT json->>'$._id' AS id, json AS doc FROM read_ndjson_objects('${source}') LIMIT ${N}`);
        return N;
      });
      await connection.run(`CREATE TABLE cities AS SELECT * FROM read_json_auto('${city}')`);
      await connection.run('CHECKPOINT');
    },
    async get(id) {
      getStatement ??= await connection.prepare(columns ? 'SELECT * FROM docs WHERE _id=$1' : 'SELECT doc FROM docs WHERE id=$1');
      getStatement.bindVarchar(1, id);
      return (await getStatement.runAndReadAll()).getRows().length;
    },
    filterCount: () => one(`SELECT count(*) FROM docs WHERE ${filter} AND ${number('balance')}<500000`),
    filterNested: () => one(`SELECT count(*) FROM docs WHERE ${zip}<'20000' AND ${tags}`),
    group: async () => (await rows(`${group} GROUP BY 1`)).length,
    groupFiltered: async () => (await rows(`${group} WHERE ${filter} GROUP BY 1`)).length,
    lookup: () => one(`SELECT count(*) FROM docs d JOIN cities c ON c._id=${text('city')} WHERE c.region=3`),
    async updateMany() {
      if (columns) return one("UPDATE docs SET created=created+1 WHERE city='city07' AND status='pending'");
      return one(`UPDATE docs SET doc=json_merge_patch(doc, json_object('created', ${number('created')}+1)) WHERE ${text('city')}='city07' AND ${text('status')}='pending'`);
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
      ['duck.db', 'duck.db.wal'].forEach(remove);
    },
  };
}
engines['duckdb-json'] = duckdb(false);
engines['duckdb-columns'] = duckdb(true);

// MongoDB's query language over an array of objects; it has no index and stores nothing.
let mingo;
let objects = [];
let places;
const mingoGroup = { $group: { _id: '$city', n: { $sum: 1 }, s: { $sum: '$balance' }, a: { $avg: '$age' } } };
const aggregate = (stages) => new mingo.Aggregator(stages).run(objects);
const countMatches = (filter) => {
  const query = new mingo.Query(filter);
  return objects.reduce((n, o) => n + (query.test(o) ? 1 : 0), 0);
};
engines.mingo = {
  durability: '',
  async open() {
    mingo = createRequire(path.join(DIRECTORY, 'package.json'))('mingo');
    places = cities.map((line) => JSON.parse(line));
  },
  one: (i) => objects.push(JSON.parse(lines[i])),
  wipe: () => { objects = []; },
  batch(from, to) {
    for (let i = from; i < to; i++) objects.push(JSON.parse(lines[i]));
    return to - from;
  },
  filterCount: () => countMatches({ status: 'active', age: { $gte: 30 }, balance: { $lt: 500000 } }),
  filterNested: () => countMatches({ 'address.zip': { $lt: '20000' }, tags: 'tag7' }),
  group: () => aggregate([mingoGroup]).length,
  groupFiltered: () => aggregate([{ $match: { status: 'active', age: { $gte: 30 } } }, mingoGroup]).length,
  lookup: () => aggregate([
    { $lookup: { from: places, localField: 'city', foreignField: '_id', as: 'c' } },
    { $match: { 'c.region': 3 } }, { $count: 'n' }])[0].n,
  updateMany: () => mingo.updateMany(objects, { city: 'city07', status: 'pending' }, { $inc: { created: 1 } }).modifiedCount,
  close() {},
};

let surreal;
let RecordId;
const surrealDocument = (line) => {
  const { _id: id, ...rest } = JSON.parse(line);
  return { id, ...rest };
};
const surrealOne = async (sql) => (await surreal.query(sql))[0][0]?.n ?? 0;
engines.surrealdb = {
  durability: 'process',
  async open() {
    remove('surreal');
    const client = await load('surrealdb/dist/surrealdb.mjs');
    const node = await load('@surrealdb/node/dist/surrealdb-node.mjs');
    RecordId = client.RecordId;
    surreal = new client.Surreal({ engines: node.createNodeEngines() });
    await surreal.connect(`rocksdb://${path.join(DIRECTORY, 'surreal')}`);
    await surreal.use({ namespace: 'bench', database: 'bench' });
    await surreal.query('DEFINE TABLE docs SCHEMALESS; DEFINE TABLE cities SCHEMALESS');
    await surreal.query('INSERT INTO cities $d RETURN NONE', { d: cities.map(surrealDocument) });
  },
  async one(i) {
    await surreal.query('CREATE docs CONTENT $d RETURN NONE', { d: surrealDocument(lines[i]) });
    return 1;
  },
  wipe: () => surreal.query('REMOVE TABLE docs; DEFINE TABLE docs SCHEMALESS'),
  async batch(from, to) {
    await surreal.query('INSERT INTO docs $d RETURN NONE', { d: lines.slice(from, to).map(surrealDocument) });
    return to - from;
  },
  async get(id) {
    const [found] = await surreal.query('SELECT * FROM $r', { r: new RecordId('docs', id) });
    return found.length;
  },
  filterCount: () => surrealOne("SELECT count() AS n FROM docs WHERE status='active' AND age>=30 AND balance<500000 GROUP ALL"),
  filterNested: () => surrealOne("SELECT count() AS n FROM docs WHERE address.zip<'20000' AND tags CONTAINS 'tag7' GROUP ALL"),
  group: async () => (await surreal.query('SELECT city, count() AS c, math::sum(balance) AS s, math::mean(age) AS a FROM docs GROUP BY city'))[0].length,
  groupFiltered: async () => (await surreal.query("SELECT city, count() AS c, math::sum(balance) AS s, math::mean(age) AS a FROM docs WHERE status='active' AND age>=30 GROUP BY city"))[0].length,
  lookup: () => surrealOne("SELECT count() AS n FROM docs WHERE type::record('cities', city).region=3 GROUP ALL"),
  index: () => surreal.query('DEFINE INDEX balance ON docs FIELDS balance'),
  async range(low) {
    const [found] = await surreal.query('SELECT * FROM docs WHERE balance >= $low AND balance < $high LIMIT 100', { low, high: low + RANGE_WIDTH });
    return found.length;
  },
  async update(id, balance) {
    await surreal.query('UPDATE $r SET balance=$b RETURN NONE', { r: new RecordId('docs', id), b: balance });
    return 1;
  },
  async updateMany() {
    const [changed] = await surreal.query("UPDATE docs SET created+=1 WHERE city='city07' AND status='pending' RETURN id");
    return changed.length;
  },
  async close() {
    await surreal.close();
    remove('surreal');
  },
};

const engine = engines[ENGINE];
if (!engine) throw new Error(`engines: ${Object.keys(engines).join(' ')}`);
const { durability } = engine;
await engine.open();
if (engine.one) {
  await measure('insert_single', durability, Math.min(N / 10, 50000), 1, (i) => engine.one(i));
  await engine.wipe();
}
if (engine.load) await engine.load();
if (engine.batch) {
  await measure('insert_batch', durability, Math.floor(N / BATCH), BATCH, (i) => engine.batch(i * BATCH, (i + 1) * BATCH), Infinity);
}
if (engine.get) await measure('get_by_id', '', 200000, 1, (i) => engine.get(ids[randomBelow(i, N)]));
await measure('filter_count', '', 9, N, () => engine.filterCount());
await measure('filter_nested', '', 9, N, () => engine.filterNested());
await measure('group', '', 9, N, () => engine.group());
await measure('group_filtered', '', 9, N, () => engine.groupFiltered());
await measure('lookup', '', 9, N, () => engine.lookup());
if (engine.index) {
  await measure('index_build', '', 1, N, async () => { await engine.index(); return 0; });
  await measure('range_indexed', '', 20000, 1, (i) => engine.range(rangeLow(i)));
}
if (engine.update) await measure('update_by_id', durability, 50000, 1, (i) => engine.update(ids[randomBelow(i, N)], i));
const updated = await engine.updateMany();
await measure('update_by_filter', durability, 9, updated, () => engine.updateMany());
await engine.close();
process.exit(0);
