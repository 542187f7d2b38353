// The client's laws (sdk/javascript/test/laws.mjs) in a page, with the built ES module; and what a
// page of another origin gets. client_test.py starts the server and serves both origins.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { laws } from '../../sdk/javascript/test/laws.mjs';
import { launch } from './chromium.mjs';

const options = { port: Number(process.env.NEXADB_TEST_PORT), apiKey: process.env.NEXADB_TEST_KEY };

let browser;
let page;
let stranger;
const faults = [];
before(async () => {
  browser = await launch();
  [page, stranger] = await Promise.all([process.env.NEXADB_TEST_ORIGIN, process.env.NEXADB_TEST_STRANGER].map(async (origin) => {
    const opened = await browser.newPage();
    await opened.goto(`${origin}/test/page.html`);
    return opened;
  }));
  page.on('pageerror', (error) => faults.push(error.message));
});
after(async () => {
  await browser.close();
  assert.deepEqual(faults, []);
});

for (const [name] of laws) {
  test(`in a page: ${name}`, () => page.evaluate(async ([wanted, reached]) => {
    const client = await import('/dist/nexadb.mjs');
    const { laws: found } = await import('/test/laws.mjs');
    await found.find(([law]) => law === wanted)[1](client, reached, 'page');
  }, [name, options]));
}

test('a page of an origin that is not listed reaches nothing', async () => {
  const code = await stranger.evaluate(async (reached) => {
    const { NexaDB } = await import('/dist/nexadb.mjs');
    try {
      await new NexaDB(reached).collection('strange').insert({ n: 1 });
      return 'stored';
    } catch (error) {
      return error.code;
    }
  }, options);
  assert.equal(code, 'unreachable');
  assert.ok(!(await page.evaluate(async (reached) => {
    const { NexaDB } = await import('/dist/nexadb.mjs');
    return new NexaDB(reached).listCollections();
  }, options)).includes('strange'));
});
