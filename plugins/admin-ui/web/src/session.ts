// Who is signed in, and how the page looks. The key stays in this tab: sessionStorage, no cookie.
import { effect, signal } from '@preact/signals';

export const apiKey = signal(sessionStorage.getItem('nexadb-key') ?? '');
export const signedIn = signal(apiKey.value !== '');

// Why the page asks for a key again.
export const ended = signal('');

/** The server no longer takes the key: it was revoked, has expired, or the data is another's. */
export function endSession() {
  if (!signedIn.value) return;
  signOut();
  ended.value = 'The server does not take the key any more. Sign in again.';
}

// Whether the last request was answered at all. What failed meanwhile is loaded again afterwards.
export const reachable = signal(true);

export function signIn(key: string) {
  ended.value = '';
  apiKey.value = key;
  sessionStorage.setItem('nexadb-key', key);
  signedIn.value = true;
}

export function signOut() {
  apiKey.value = '';
  sessionStorage.removeItem('nexadb-key');
  signedIn.value = false;
}

export type Theme = 'system' | 'light' | 'dark';
export const theme = signal((localStorage.getItem('nexadb-theme') ?? 'system') as Theme);
effect(() => {
  localStorage.setItem('nexadb-theme', theme.value);
  document.documentElement.dataset.theme = theme.value;
});

// The page shown is the part after '#', so that every page can be linked to and reloaded.
export const route = signal(location.hash.slice(1) || '/');
addEventListener('hashchange', () => (route.value = location.hash.slice(1) || '/'));
export const go = (path: string) => (location.hash = path);

// What was done last, for the live region.
export const notice = signal('');
let clearing = 0;
export function say(text: string) {
  notice.value = text;
  clearTimeout(clearing);
  clearing = window.setTimeout(() => (notice.value = ''), 6000);
}
