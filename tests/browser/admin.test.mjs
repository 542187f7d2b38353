// The administration page in a real browser, on a real server with real data: what a user does, in
// both themes and at two widths, by keyboard, without a console error, and clean for axe.
// NEXADB_ADMIN_URL and NEXADB_TEST_KEY say where; browser_test.py starts the server.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch } from './chromium.mjs';

const url = process.env.NEXADB_ADMIN_URL;
const key = process.env.NEXADB_TEST_KEY;
const screenshots = process.env.NEXADB_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/**
 * A page whose console errors and foreign requests fail the test at its end. A request that is
 * refused on purpose is logged by the browser all the same: `expected` says which may be.
 */
async function open(t, { expected = /status of (401|404|412)/, ...options } = {}) {
  const context = await browser.newContext({
    viewport: WIDE, reducedMotion: 'reduce', locale: 'en-US', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);  // a machine that does something else as well
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(`foreign: ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(url);
  return page;
}

async function signIn(page) {
  await page.getByLabel('API key').fill(key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

async function goTo(page, name) {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

async function assertAccessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html}`), []);
}

test('a wrong key is refused, the right one signs in, signing out forgets it', async (t) => {
  const page = await open(t);
  await page.getByLabel('API key').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This key is not valid.').waitFor();
  await signIn(page);
  await page.reload();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem('nexadb-key')), null);
});

test('a collection is made, filled, filtered, edited and dropped', async (t) => {
  const page = await open(t, { expected: /status of (400|404)/ });
  await signIn(page);
  await goTo(page, 'Collections');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name').fill('browser');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Nothing matches').waitFor();
  for (const document of ['{"_id": "ada", "age": 36}', '{"_id": "bob", "age": 28}']) {
    await page.getByRole('button', { name: 'New document' }).click();
    await page.getByLabel('JSON').fill(document);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.keyboard.press('/');
  await page.getByLabel('Filter').fill('{"age": {"$gt": 30}}');
  await page.keyboard.press('Enter');
  await page.getByText('1 shown of 1').waitFor();
  await page.getByRole('button', { name: 'ada' }).click();
  await page.getByLabel('JSON').fill('{"age": 37}');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('cell', { name: '37' }).waitFor();
  await page.getByRole('button', { name: 'ada' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing matches').waitFor();
  await page.getByLabel('Filter').fill('{"age": {"$gt2": 30}}');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('unknown_operator').waitFor();
  await goTo(page, 'Collections');
  await page.getByRole('button', { name: 'Drop browser' }).click();
  await page.getByRole('button', { name: 'Drop it' }).click();
  await page.getByRole('link', { name: 'browser' }).waitFor({ state: 'detached' });
});

test('an edit based on an old version is refused', async (t) => {
  const page = await open(t);
  await signIn(page);
  await page.evaluate(async (k) => {
    const headers = { 'X-API-Key': k, 'Content-Type': 'application/json' };
    await fetch('/collections/versions', { method: 'POST', headers, body: '{"_id": "v", "n": 1}' });
  }, key);
  await page.goto(`${url}/#/collections/versions`);
  await page.getByRole('button', { name: 'v', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('dialog .cm-content')?.textContent.includes('"n": 1'));
  await page.evaluate(async (k) => {
    const headers = { 'X-API-Key': k, 'Content-Type': 'application/json' };
    await fetch('/collections/versions/v', { method: 'PUT', headers, body: '{"n": 2}' });
  }, key);
  await page.getByLabel('JSON').fill('{"n": 3}');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else has changed this document').waitFor();
});

test('aggregations and vector searches over real data', async (t) => {
  const page = await open(t);
  await signIn(page);
  await page.goto(`${url}/#/collections/fiori_docs`);
  await page.getByText('100 vectors').waitFor();
  await page.getByRole('tab', { name: 'Aggregation' }).click();
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText('"count": 100').waitFor();
  await page.getByRole('tab', { name: 'Vector search' }).click();
  await page.getByLabel('Like the document with _id').fill('local-btp-fiori-tools-0-chunk-0');
  await page.getByRole('button', { name: 'Search' }).click();
  const hits = page.getByRole('region', { name: 'Hits' });
  await hits.waitFor();
  const ids = await hits.locator('tbody tr td:nth-child(2)').allInnerTexts();
  assert.equal(ids.length, 10);
  assert.ok(!ids.includes('local-btp-fiori-tools-0-chunk-0'), 'a document is not among those like it');
  const likeness = (await hits.locator('tbody tr td:first-child').allInnerTexts()).map(Number);
  assert.deepEqual(likeness, [...likeness].sort((a, b) => b - a));
  // Its nearest neighbour's own vector finds that neighbour first, with a cosine of 1.
  const vector = await page.evaluate(async (k) => (await (await fetch('/vector/fiori_docs/search', {
    method: 'POST', headers: { 'X-API-Key': k, 'Content-Type': 'application/json' },
    body: JSON.stringify({ id: 'local-btp-fiori-tools-0-chunk-0', limit: 1, include_vector: true }),
  })).json()).results[0].vector, key);
  await page.getByLabel('Like the document with _id').fill('');
  await page.getByLabel('Vector of 384 numbers').fill(JSON.stringify(vector));
  await page.keyboard.press('Control+Enter');
  await hits.locator('tbody tr').first().getByText('1.0000').waitFor();
  assert.equal(await hits.locator('tbody tr').first().locator('td').nth(1).innerText(), ids[0]);
});

test('a key is made, shown once, limited, and revoked', async (t) => {
  const page = await open(t, { expected: /status of (401|429)/ });
  await signIn(page);
  await goTo(page, 'Keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('reader');
  await page.getByLabel('Requests in a second').fill('50');
  await page.getByLabel('At once after a silence').fill('200');
  await page.getByRole('button', { name: 'Create' }).click();
  const secret = await page.locator('.secret').innerText();
  await page.getByRole('button', { name: 'Done' }).click();
  const status = () => page.evaluate(async (k) => (await fetch('/collections', { headers: { 'X-API-Key': k } })).status, secret);
  assert.equal(await status(), 200);
  await page.getByRole('cell', { name: '50/s, 200 at once' }).waitFor();
  await page.getByRole('button', { name: 'Rate of reader' }).click();
  await page.getByLabel('Requests in a second').fill('1');
  await page.getByLabel('At once after a silence').fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: '1/s, 1 at once' }).waitFor();
  assert.deepEqual(await page.evaluate(async (k) => {
    const of = () => fetch('/collections', { headers: { 'X-API-Key': k } });
    const answers = await Promise.all([of(), of(), of(), of(), of()]);
    return [...new Set(answers.map((answer) => answer.status))].sort();
  }, secret), [200, 429]);
  await page.getByRole('button', { name: 'Rate of reader' }).click();
  await page.getByLabel('Requests in a second').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: '1/s, 1 at once' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Revoke reader' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('cell', { name: 'revoked' }).waitFor();
  assert.equal(await status(), 401);
});

test('the charts move under load', async (t) => {
  const page = await open(t);
  await signIn(page);
  const chart = (title) => page.getByRole('img', { name: new RegExp(`^${title}: `) });
  // What a chart says it shows now, in requests a second, milliseconds or bytes.
  const now = async (title) => {
    const [, number, unit] = /: ([\d.,]+) (\S+) now/.exec(await chart(title).getAttribute('aria-label')) ?? [];
    return Number(number?.replaceAll(',', '')) * ({ KiB: 1024, MiB: 1024 ** 2 }[unit] ?? 1);
  };
  const above = async (title, least) => {
    for (let i = 0; i < 300; i++) {
      const value = await now(title);
      if (value > least) return;
      await page.waitForTimeout(100);
    }
    assert.fail(`${title} stays at ${await now(title)}, expected more than ${least}`);
  };
  await above('Requests', 0);
  assert.equal(await page.locator('.chart canvas').count(), 6);
  await above('Storage on disk', 0);
  const disk = await now('Storage on disk');
  const stop = await page.evaluateHandle((k) => {
    const load = { on: true };
    const text = 'x'.repeat(4000);
    const one = async () => {
      while (load.on) {
        await fetch('/collections/charted', { method: 'POST', body: JSON.stringify({ text }),
          headers: { 'X-API-Key': k, 'Content-Type': 'application/json' } });
      }
    };
    for (let i = 0; i < 3; i++) void one();
    return load;
  }, key);
  await above('Requests', 15);
  await above('Writes committed', 10);
  await above('Latency', 0);
  await above('Storage on disk', disk + 20 * 4000);
  await stop.evaluate((load) => { load.on = false; });
  const drawn = await chart('Requests').locator('canvas').evaluate((canvas) => {
    const wanted = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(wanted.slice(i, i + 2), 16));
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 200 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30) count++;
    }
    return count;
  });
  assert.ok(drawn > 30, `the line is drawn: ${drawn} pixels`);
});

test('documents are imported, projected, indexed and exported', async (t) => {
  const page = await open(t);
  await signIn(page);
  await page.goto(`${url}/#/collections/people`);
  const lines = Array.from({ length: 60 }, (_, i) => JSON.stringify({ _id: `p${i}`, age: i, city: i % 2 ? 'Ulm' : 'Bonn' }));
  await page.getByLabel('File to import').setInputFiles({
    name: 'people.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from([...lines, lines[0]].join('\n')) });
  await page.getByRole('dialog').getByText('60 documents were imported, 1 refused.').waitFor();
  await page.getByRole('dialog').getByText(/^Document 61: .*duplicate key/).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('50 shown of 60').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('10 shown of 60').waitFor();
  await page.getByLabel('Sort').fill('-age');
  await page.getByLabel('Fields').fill('age');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('columnheader', { name: 'city' }).waitFor({ state: 'detached' });
  assert.deepEqual(await page.locator('tbody tr').first().locator('td').allInnerTexts(), ['p59', '59']);

  await page.getByRole('tab', { name: 'Indexes' }).click();
  await page.getByRole('button', { name: 'New index' }).click();
  await page.getByLabel('Fields').fill('age,-city');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('cell', { name: 'age, -city' }).waitFor();
  await page.getByRole('button', { name: 'Drop age_1_city_-1' }).click();
  await page.getByRole('button', { name: 'Drop it' }).click();
  await page.getByRole('cell', { name: 'age, -city' }).waitFor({ state: 'detached' });

  await page.getByRole('tab', { name: 'Documents' }).click();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export' }).click();
  const file = await saved;
  assert.equal(file.suggestedFilename(), 'people.ndjson');
  const exported = readFileSync(await file.path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(new Set(exported.map((d) => d._id)), new Set(lines.map((line) => JSON.parse(line)._id)));
});

test('a document with a vector is made and found', async (t) => {
  const page = await open(t);
  await signIn(page);
  await goTo(page, 'Collections');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name').fill('directions');
  await page.getByLabel('Vector dimensions').fill('3');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('0 vectors · 3 dimensions').waitFor();
  for (const document of ['{"_id": "up", "__vector__": [0, 0, 1]}', '{"_id": "north", "__vector__": [0, 1, 0]}']) {
    await page.getByRole('button', { name: 'New document' }).click();
    await page.getByLabel('JSON').fill(document);
    await page.keyboard.press('Control+Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.getByText('2 vectors · 3 dimensions').waitFor();
  await page.getByRole('tab', { name: 'Vector search' }).click();
  await page.getByLabel('Vector of 3 numbers').fill('[0, 0.1, 2]');
  await page.getByRole('button', { name: 'Search' }).click();
  const hits = page.getByRole('region', { name: 'Hits' });
  await hits.waitFor();
  assert.deepEqual(await hits.locator('tbody tr td:nth-child(2)').allInnerTexts(), ['up', 'north']);
});

test('keys of a bucket are made, found by prefix, changed and deleted', async (t) => {
  const page = await open(t);
  await signIn(page);
  await goTo(page, 'Key-value');
  await page.getByText('Make a key: its bucket comes with it.').waitFor();
  const make = async (name, value, ttl = '') => {
    await page.getByRole('button', { name: 'New key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Bucket').fill('sessions');
    await dialog.getByLabel('Key', { exact: true }).fill(name);
    await dialog.getByLabel('Value').fill(value);
    await dialog.getByLabel('Expires after').fill(ttl);
    await dialog.getByRole('button', { name: 'Save' }).click();
  };
  await make('user/1', 'Ada');
  await page.getByRole('cell', { name: 'Ada' }).waitFor();
  assert.ok(page.url().endsWith('#/kv/sessions'));
  await make('user/2', 'Bob', '10min');
  await page.getByText(/^in (10|9) min/).waitFor();
  await make('other', 'Cy');
  await page.getByRole('cell', { name: 'Cy' }).waitFor();
  await make('other', 'again');
  await page.getByText('This key exists already.').waitFor();
  await page.keyboard.press('Escape');
  await page.evaluate((k) => fetch('/kv/sessions/bytes', { method: 'PUT', body: new Uint8Array([0, 255, 1]),
    headers: { 'X-API-Key': k, 'Content-Type': 'application/octet-stream' } }), key);

  await page.keyboard.press('/');
  await page.keyboard.type('user/');
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'Cy' }).waitFor({ state: 'detached' });
  assert.equal(await page.locator('tbody tr').count(), 2);
  await page.getByRole('button', { name: 'user/1' }).click();
  await page.waitForFunction(() => document.querySelector('dialog textarea')?.value === 'Ada');
  await page.getByLabel('Value').fill('Ada\nLovelace');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('cell', { name: 'Ada Lovelace' }).waitFor();
  const stored = () => page.evaluate(async (k) => {
    const answer = await fetch('/kv/sessions/user%2F1', { headers: { 'X-API-Key': k } });
    return [answer.status, answer.status === 200 ? await answer.text() : ''];
  }, key);
  assert.deepEqual(await stored(), [200, 'Ada\nLovelace']);

  await page.getByRole('button', { name: 'user/1' }).click();
  await page.waitForFunction(() => document.querySelector('dialog textarea')?.value.startsWith('Ada'));
  await page.evaluate((k) => fetch('/kv/sessions/user%2F1', { method: 'PUT', body: 'newer',
    headers: { 'X-API-Key': k, 'Content-Type': 'text/plain' } }), key);
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else has changed this key').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'user/1' }).click();
  await page.waitForFunction(() => document.querySelector('dialog textarea')?.value === 'newer');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'user/1' }).waitFor({ state: 'detached' });
  assert.equal((await stored())[0], 404);

  await page.getByLabel('Keys that begin with').fill('');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByRole('button', { name: 'bytes' }).click();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  assert.deepEqual([...readFileSync(await (await saved).path())], [0, 255, 1]);
  await page.keyboard.press('Escape');
  await goTo(page, 'Key-value');
  const row = page.getByRole('region', { name: 'Buckets' }).getByRole('row', { name: 'sessions 3' });
  await row.getByRole('link', { name: 'sessions' }).click();
  await page.getByRole('cell', { name: 'Bob' }).waitFor();
});

test('the editor colours, undoes, and says where JSON breaks', async (t) => {
  const page = await open(t);
  await signIn(page);
  await page.goto(`${url}/#/collections/fiori_docs/aggregation`);
  const editor = page.locator('.cm-content');
  await editor.waitFor();
  const text = () => editor.evaluate((e) => e.innerText.trimEnd());
  const colours = await editor.locator('.cm-line span').evaluateAll((spans) => new Set(spans.map((s) => getComputedStyle(s).color)).size);
  assert.ok(colours > 1, 'names, texts and numbers have colours of their own');
  await editor.focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('[\n{"$limit": 1},\n{"$project": {"_id": 1}}\n]');
  const typed = await text();
  assert.equal(typed.split('\n').length, 4);
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.type('{"$limit": 2},');  // over a selection that joins two lines
  assert.equal((await text()).split('\n').length, 3);
  for (let i = 0; i < 4 && (await text()) !== typed; i++) await page.keyboard.press('Control+z');
  assert.equal(await text(), typed);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('[{"$limit": 1,}]');
  await page.locator('.fault').waitFor();
  await page.locator('.cm-lintRange-error, .cm-lintPoint-error').first().waitFor({ state: 'attached' });
  await page.keyboard.press('Control+a');
  await page.keyboard.type('[{"$limit": 1}, {"$project": {"_id": 1}}]');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^1 result in/).waitFor();
  assert.equal(await page.locator('.fault').count(), 0);
  await page.keyboard.press('Tab');
  assert.ok(!(await editor.evaluate((e) => e === document.activeElement)), 'Tab leaves the editor');
});

test('without the editor\'s file a plain field serves', async (t) => {
  const page = await open(t, { expected: /ERR_FAILED|Failed to fetch dynamically/ });
  await page.route(/\/assets\/code-/, (route) => route.abort());
  await signIn(page);
  await page.goto(`${url}/#/collections/fiori_docs/aggregation`);
  await page.locator('textarea').fill('[{"$count": "n"}]');
  await page.keyboard.press('Control+Enter');
  await page.getByText('"n": 100').waitFor();
});

test('the keyboard alone is enough', async (t) => {
  const page = await open(t);
  await page.waitForFunction(() => document.activeElement?.matches('input[type=password]'));
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.getByRole('heading', { name: 'Collections', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'fiori_docs' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'Documents' }).focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator(':focus').innerText(), 'Aggregation');
  await page.getByLabel('Pipeline').waitFor();
  await page.keyboard.press('ArrowLeft');
  const first = page.locator('tbody button').first();
  await first.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.cm-content') && document.activeElement.textContent.includes('_id'));
  await page.getByText('Ctrl+Enter saves it').waitFor();
  await page.keyboard.type('x');
  await page.keyboard.press('Escape');
  await page.getByText('Your changes are not saved.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await page.locator(':focus').innerText(), await first.innerText());
});

test('a revoked key leads back to the sign-in page', async (t) => {
  const page = await open(t);
  await page.getByLabel('API key').waitFor();
  const asked = (method, path, body) => page.evaluate(async ([k, m, p, b]) => (await fetch(p, {
    method: m, headers: { 'X-API-Key': k, 'Content-Type': 'application/json' }, body: b })).json(), [key, method, path, body]);
  const made = await asked('POST', '/keys', '{"name": "passing", "actions": ["read", "admin"], "patterns": ["*/*"]}');
  await page.getByLabel('API key').fill(made.key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await asked('DELETE', `/keys/${made.id}`);
  await page.getByText('The server does not take the key any more.').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem('nexadb-key')), null);
  await signIn(page);
});

test('a server that does not answer is told, and the page recovers by itself', async (t) => {
  const page = await open(t, { expected: /ERR_INTERNET_DISCONNECTED/ });
  await signIn(page);
  await page.context().setOffline(true);
  await page.getByText('The server does not answer.').waitFor();
  await goTo(page, 'Keys');
  await page.context().setOffline(false);
  await page.getByText('The server does not answer.').waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: 'root', exact: true }).waitFor();
});

test('the page is served to anyone, under a strict policy', async (t) => {
  const page = await open(t);
  const answer = await page.request.get(`${url}/`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-type'], /^text\/html/);
  const policy = answer.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
});

for (const colorScheme of ['light', 'dark']) {
  for (const [width, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
    test(`every page is accessible and fits: ${colorScheme}, ${width}`, async (t) => {
      const page = await open(t, { colorScheme, viewport });
      const look = async (name) => {
        if (screenshots) await page.screenshot({ path: `${screenshots}/${name}-${colorScheme}-${width}.png` });
        await assertAccessible(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
      };
      await look('sign-in');
      await signIn(page);
      await page.getByRole('img', { name: /^Requests: [\d.]+/ }).waitFor();
      await look('overview');
      await goTo(page, 'Collections');
      await page.getByRole('link', { name: 'fiori_docs' }).waitFor();
      await look('collections');
      await page.getByRole('link', { name: 'fiori_docs' }).click();
      await page.getByText('50 shown of 100').waitFor();
      await look('documents');
      await page.locator('tbody button').first().click();
      await page.getByRole('dialog').getByText('Ctrl+Enter saves it').waitFor();
      await look('editor');
      await page.keyboard.press('Escape');
      await page.getByRole('tab', { name: 'Vector search' }).click();
      await page.getByLabel('Like the document with _id').fill('local-btp-fiori-tools-0-chunk-0');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('region', { name: 'Hits' }).waitFor();
      await look('vectors');
      await page.getByRole('tab', { name: 'Indexes' }).click();
      await page.getByRole('cell', { name: '_id_' }).waitFor();
      await look('indexes');
      await page.getByRole('tab', { name: 'Aggregation' }).click();
      await page.locator('.cm-content').waitFor();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByText('"count": 100').waitFor();
      await look('aggregation');
      await goTo(page, 'Key-value');
      await look('key-value');
      await page.evaluate((k) => Promise.all([['ada', '{"name": "Ada", "age": 36}', 'application/json', ''], ['bob', 'x'.repeat(300), 'text/plain', '?ttl=1h']].map(
        ([name, body, type, life]) => fetch(`/kv/looked/${name}${life}`, { method: 'PUT', body, headers: { 'X-API-Key': k, 'Content-Type': type } }))), key);
      await page.getByRole('combobox', { name: 'Bucket' }).fill('looked');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'ada' }).waitFor();
      await look('bucket');
      await page.getByRole('button', { name: 'bob' }).click();
      await page.waitForFunction(() => document.querySelector('dialog textarea')?.value.startsWith('x'));
      await look('value');
      await page.keyboard.press('Escape');
      await goTo(page, 'Keys');
      await page.getByRole('cell', { name: /active|revoked/ }).first().waitFor();
      await look('keys');
      await goTo(page, 'Plugins');
      await page.getByText('nexadb.storage-lsm').first().waitFor();
      await look('plugins');
    });
  }
}
