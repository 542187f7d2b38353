// The frame: sign-in, navigation, and the page that the address names.
import { useEffect, useState } from 'preact/hooks';
import { Problem, get } from './api';
import { CollectionPage } from './pages/collection';
import { CollectionsPage } from './pages/collections';
import { KeysPage } from './pages/keys';
import { KeyValuePage } from './pages/kv';
import { OverviewPage } from './pages/overview';
import { PluginsPage } from './pages/plugins';
import { apiKey, ended, go, notice, reachable, route, signIn, signOut, signedIn, theme, type Theme } from './session';
import { Dialog, Failure, Field } from './ui';

const PAGES = [
  { path: '/', name: 'Overview', key: 'o' },
  { path: '/collections', name: 'Collections', key: 'c' },
  { path: '/kv', name: 'Key-value', key: 'v' },
  { path: '/keys', name: 'Keys', key: 'k' },
  { path: '/plugins', name: 'Plugins', key: 'p' },
];

function SignIn() {
  const [key, setKey] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    apiKey.value = key.trim();
    try {
      await get('/collections');
      signIn(key.trim());
    } catch (e) {
      apiKey.value = '';
      setError(e instanceof Problem && e.status === 401 ? new Error('This key is not valid.') : e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in" id="main">
      <form onSubmit={submit}>
        <h1><Logo /> NexaDB</h1>
        {ended.value ? <p class="failure" role="alert">{ended.value}</p> : null}
        <Field label="API key">
          <input type="password" autocomplete="current-password" autofocus required value={key}
            onInput={(e) => setKey(e.currentTarget.value)} />
        </Field>
        <Failure error={error} />
        <button type="submit" class="primary" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
        <div class="hint">
          <p><strong>First time here?</strong> The server wrote a key that may do everything when it first
            started. Print it on the server's machine:</p>
          <pre tabIndex={0} aria-label="Command">cat nexadb_data/root.key</pre>
          <p>The key stays in this tab and is forgotten with it.</p>
        </div>
      </form>
    </main>
  );
}

function Logo() {
  return <img src="/favicon.svg" alt="" width="22" height="22" />;
}

function Page() {
  const [, first, name, tab] = route.value.split('?')[0].split('/');
  if (first === 'collections' && name) return <CollectionPage name={decodeURIComponent(name)} tab={tab} key={name} />;
  if (first === 'collections') return <CollectionsPage />;
  if (first === 'kv') return <KeyValuePage bucket={name && decodeURIComponent(name)} key={`kv ${name}`} />;
  if (first === 'keys') return <KeysPage />;
  if (first === 'plugins') return <PluginsPage />;
  return <OverviewPage />;
}

const SHORTCUTS: [string, string][] = [
  ...PAGES.map((page): [string, string] => [`g ${page.key}`, `go to ${page.name}`]),
  ['/', 'go to the filter'],
  ['← →', 'change the tab, when one has the focus'],
  ['Ctrl+Enter', 'save, or run, what is being edited'],
  ['Escape', 'close a dialog'],
  ['?', 'show this list'],
];

function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="shortcuts">{SHORTCUTS.map(([keys, what]) => <div><dt><kbd>{keys}</kbd></dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
  );
}

const PROBE_MS = 1500;

/** While the server does not answer, asks it again and again; the pages load anew when it does. */
function Banner() {
  useEffect(() => {
    if (reachable.value) return;
    const timer = setInterval(() => {
      fetch('/livez').then(() => (reachable.value = true), () => undefined);
    }, PROBE_MS);
    return () => clearInterval(timer);
  }, [reachable.value]);
  if (reachable.value) return null;
  return <p class="banner" role="alert">The server does not answer. Trying again until it does…</p>;
}

/** `g` then a page's letter goes there, `/` to the filter: never while something is being typed. */
function useKeyboard(help: () => void) {
  useEffect(() => {
    let waiting = false;
    const listen = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest('input, textarea, select, dialog');
      if (typing || !signedIn.value || event.ctrlKey || event.metaKey || event.altKey) return;
      if (waiting) {
        const page = PAGES.find((p) => p.key === event.key);
        if (page) go(page.path);
        waiting = false;
      } else if (event.key === 'g') {
        waiting = true;
        setTimeout(() => (waiting = false), 1500);
      } else if (event.key === '/') {
        const filter = document.querySelector<HTMLElement>('[data-filter]');
        if (filter) { event.preventDefault(); filter.focus(); }
      } else if (event.key === '?') {
        help();
      }
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

export function App() {
  const [help, setHelp] = useState(false);
  useKeyboard(() => setHelp(true));
  const current = '/' + route.value.split('/')[1].split('?')[0];
  useEffect(() => {
    document.title = signedIn.value ? `${PAGES.find((p) => p.path === current)?.name ?? 'NexaDB'} · NexaDB` : 'NexaDB';
  });
  if (!signedIn.value) return <><Banner /><SignIn /></>;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>
        Skip to the content</a>
      <nav aria-label="Pages">
        <p class="brand"><Logo /> NexaDB</p>
        <ul>
          {PAGES.map((page) => (
            <li><a href={`#${page.path}`} aria-current={page.path === current ? 'page' : undefined}>
              {page.name}<kbd aria-hidden="true">g {page.key}</kbd></a></li>
          ))}
        </ul>
        <div class="nav-end">
          <button type="button" class="keys" aria-label="Keyboard shortcuts" onClick={() => setHelp(true)}>Shortcuts<kbd>?</kbd></button>
          <label class="theme"><span>Theme</span>
            <select value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
              <option value="system">system</option>
              <option value="light">light</option>
              <option value="dark">dark</option>
            </select>
          </label>
          <button type="button" onClick={signOut}>Sign out</button>
        </div>
      </nav>
      <main id="main" tabIndex={-1}><Banner /><Page /></main>
      {help ? <Shortcuts onClose={() => setHelp(false)} /> : null}
      <div class="notice" role="status" aria-live="polite">{notice.value}</div>
    </div>
  );
}
