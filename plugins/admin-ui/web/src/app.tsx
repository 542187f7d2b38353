// The frame: sign-in, navigation, and the page that the address names.
import { useEffect, useState } from 'preact/hooks';
import { Problem, get } from './api';
import { CollectionPage } from './pages/collection';
import { CollectionsPage } from './pages/collections';
import { KeysPage } from './pages/keys';
import { OverviewPage } from './pages/overview';
import { PluginsPage } from './pages/plugins';
import { apiKey, go, notice, route, signIn, signOut, signedIn, theme, type Theme } from './session';
import { Failure, Field } from './ui';

const PAGES = [
  { path: '/', name: 'Overview', key: 'o' },
  { path: '/collections', name: 'Collections', key: 'c' },
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
        <Field label="API key">
          <input type="password" autocomplete="current-password" autofocus required value={key}
            onInput={(e) => setKey(e.currentTarget.value)} />
        </Field>
        <Failure error={error} />
        <button type="submit" class="primary" disabled={busy}>Sign in</button>
        <p class="hint">The first start writes a key that may do everything to <code>root.key</code> in the
          data directory: <code>cat nexadb_data/root.key</code>. It stays in this tab.</p>
      </form>
    </main>
  );
}

function Logo() {
  return <img src="/favicon.svg" alt="" width="22" height="22" />;
}

function Page() {
  const [, first, name] = route.value.split('?')[0].split('/');
  if (first === 'collections' && name) return <CollectionPage name={decodeURIComponent(name)} key={name} />;
  if (first === 'collections') return <CollectionsPage />;
  if (first === 'keys') return <KeysPage />;
  if (first === 'plugins') return <PluginsPage />;
  return <OverviewPage />;
}

/** `g` then a page's letter goes there, `/` to the filter: never while something is being typed. */
function useKeyboard() {
  useEffect(() => {
    let waiting = false;
    const listen = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest('input, textarea, select, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
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
      }
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

export function App() {
  useKeyboard();
  const current = '/' + route.value.split('/')[1].split('?')[0];
  useEffect(() => {
    document.title = signedIn.value ? `${PAGES.find((p) => p.path === current)?.name ?? 'NexaDB'} · NexaDB` : 'NexaDB';
  });
  if (!signedIn.value) return <SignIn />;
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
          <label class="theme">Theme{' '}
            <select value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
              <option value="system">system</option>
              <option value="light">light</option>
              <option value="dark">dark</option>
            </select>
          </label>
          <button type="button" onClick={signOut}>Sign out</button>
        </div>
      </nav>
      <main id="main" tabIndex={-1}><Page /></main>
      <div class="notice" role="status" aria-live="polite">{notice.value}</div>
    </div>
  );
}
