// Pages of other sites against a server that asks callers of this machine for no key.
// hostile_test.py starts it, and looks afterwards whether anything was stored.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './chromium.mjs';

const port = Number(process.env.NEXADB_TEST_PORT);
const server = `http://127.0.0.1:${port}`;
const stranger = process.env.NEXADB_TEST_ORIGIN;
const stolen = 'stolen';

let browser;
let page;
before(async () => {
  // What the owner of evil.test can do: let the name point to the visitor's own machine.
  browser = await launch(['--host-resolver-rules=MAP evil.test 127.0.0.1, MAP rebound.test 127.0.0.1']);
  page = await browser.newPage();
  await page.goto(`${stranger}/test/page.html`);
});
after(() => browser.close());

// What the page could read of an answer; null: nothing.
const attempt = (where, path, options) => where.evaluate(async ([url, init]) => {
  try {
    const response = await fetch(url, init);
    return { status: response.status, type: response.type, text: await response.text() };
  } catch {
    return null;
  }
}, [path, options]);

const insert = (type) => ({
  method: 'POST', body: '{"a": 1}', ...(type && { headers: { 'Content-Type': type } }),
});

test('a name that was rebound to this machine reads and writes nothing', async (t) => {
  for (const name of ['evil.test', 'rebound.test']) {
    const rebound = await browser.newPage();
    t.after(() => rebound.close());
    const answer = await rebound.goto(`http://${name}:${port}/collections`);
    assert.equal(answer.status(), 421);
    assert.ok(!(await rebound.content()).includes('treasure'));
    // The page is now of one origin with the server, as the browser sees it.
    const read = await attempt(rebound, '/collections/treasure', {});
    assert.deepEqual([read.status, read.text.includes('gold')], [421, false]);
    for (const type of ['application/json', 'text/plain', undefined]) {
      assert.equal((await attempt(rebound, `/collections/${stolen}`, insert(type))).status, 421);
    }
    assert.equal((await attempt(rebound, '/collections/treasure', { method: 'DELETE' })).status, 421);
  }
});

test('a page of another origin reads nothing', async () => {
  for (const options of [{}, { credentials: 'include' }, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }]) {
    assert.equal(await attempt(page, `${server}/collections/treasure`, options), null);
  }
  const blind = await attempt(page, `${server}/collections/treasure`, { mode: 'no-cors' });
  assert.ok(blind === null || (blind.type === 'opaque' && blind.text === ''));
});

test('a page of another origin writes nothing, in any way that browsers allow without asking first', async () => {
  for (const type of ['text/plain', 'text/plain;charset=application/json', 'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x', undefined]) {
    await attempt(page, `${server}/collections/${stolen}`, { ...insert(type), mode: 'no-cors' });
    await attempt(page, `${server}/collections/${stolen}`, insert(type));
  }
  await page.evaluate(([url]) => navigator.sendBeacon(url, '{"a": 1}'), [`${server}/collections/${stolen}`]);
  await page.evaluate(([url]) => navigator.sendBeacon(url, new Blob(['{"a": 1}'], { type: 'text/plain' })),
    [`${server}/collections/${stolen}`]);
  assert.equal(await attempt(page, `${server}/collections/treasure`, { method: 'DELETE' }), null);
  assert.equal(await attempt(page, `${server}/collections/${stolen}`, insert('application/json')), null);
});

test('a form that posts JSON in disguise is refused', async (t) => {
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const victim = await browser.newPage();
    t.after(() => victim.close());
    await victim.goto(`${stranger}/test/page.html`);
    const [answer] = await Promise.all([
      victim.waitForResponse((response) => response.url().startsWith(server)),
      victim.evaluate(([url, encoding]) => {
        const form = document.createElement('form');
        Object.assign(form, { method: 'post', action: url, enctype: encoding });
        // As text/plain this is the body {"a": 1, "x":"="}.
        const field = Object.assign(document.createElement('input'), { name: '{"a": 1, "x":"', value: '"}' });
        form.append(field);
        document.body.append(form);
        form.submit();
      }, [`${server}/collections/${stolen}`, enctype]),
    ]);
    assert.ok([403, 415].includes(answer.status()), `${enctype}: ${answer.status()}`);
  }
});

test('scripts, pictures, frames and event streams of another origin show nothing', async () => {
  const shown = await page.evaluate(async ([url]) => {
    const load = (tag, attributes) => new Promise((resolve) => {
      const element = Object.assign(document.createElement(tag), attributes);
      element.onload = () => resolve(`${tag} loaded`);
      element.onerror = () => resolve('refused');
      document.body.append(element);
    });
    const events = new Promise((resolve) => {
      const source = new EventSource(`${url}/changes`);
      source.onopen = () => resolve('events opened');
      source.onerror = () => { source.close(); resolve('refused'); };
    });
    return Promise.all([
      load('script', { src: `${url}/collections/treasure` }),
      load('img', { src: `${url}/collections/treasure` }),
      load('link', { rel: 'stylesheet', href: `${url}/collections/treasure` }),
      events,
    ]);
  }, [server]);
  assert.deepEqual([...new Set(shown)], ['refused']);
  const framed = await page.evaluate(async ([url]) => {
    const frame = Object.assign(document.createElement('iframe'), { src: `${url}/collections/treasure` });
    document.body.append(frame);
    await new Promise((resolve) => { frame.onload = resolve; });
    try {
      return frame.contentDocument?.body.textContent ?? null;
    } catch {
      return null;
    }
  }, [server]);
  assert.equal(framed, null);
});
