// API keys: who may do what.
import { useState } from 'preact/hooks';
import { get, instant, post, segment, send } from '../api';
import { say } from '../session';
import { Confirm, Dialog, Failure, Field, useLoad, when } from '../ui';

interface Key {
  id: string;
  name: string;
  actions: string[];
  patterns: string[];
  created_at?: unknown;
  expires_at?: unknown;
  revoked_at?: unknown;
  last_used_at?: unknown;
  key?: string;
}
// How long a new key may live, in days; 0: for ever.
const LIVES: [number, string][] = [[0, 'never'], [1, 'in a day'], [30, 'in 30 days'], [365, 'in a year']];
const DAY_MS = 86_400_000;

function stateOf(key: Key): string {
  const expires = instant(key.expires_at);
  if (key.revoked_at) return 'revoked';
  return expires && expires < new Date() ? 'expired' : 'active';
}
const ACTIONS = ['read', 'write', 'manage', 'admin'];

export function KeysPage() {
  const [found, error, reload] = useLoad(() => get<{ keys: Key[] }>('/keys'), []);
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key>();
  const [failure, setFailure] = useState<unknown>();
  const revoke = async () => {
    try {
      await send('DELETE', `/keys/${segment(revoking!.id)}`);
      say(`Revoked ${revoking!.name}`);
    } catch (e) {
      setFailure(e);
    }
    setRevoking(undefined);
    reload();
  };
  return (
    <>
      <header class="page-head">
        <h1>Keys</h1>
        <button type="button" class="primary" onClick={() => setMaking(true)}>New key</button>
      </header>
      <Failure error={error ?? failure} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Keys">
        <table>
          <thead><tr><th>Name</th><th>May</th><th>On</th><th>State</th><th>Expires</th><th>Last used</th><th><span class="hidden">Actions</span></th></tr></thead>
          <tbody>
            {found?.keys.map((k) => (
              <tr key={k.id}>
                <td>{k.name}{k.id === k.name ? null : <><br /><small class="code">{k.id}</small></>}</td>
                <td>{k.actions.join(', ')}</td>
                <td class="code">{k.patterns.join(', ')}</td>
                <td><span class={`state ${stateOf(k)}`}>{stateOf(k)}</span></td>
                <td class="date">{k.expires_at ? when(instant(k.expires_at)) : 'never'}</td>
                <td class="date">{k.last_used_at ? when(instant(k.last_used_at)) : 'never'}</td>
                <td class="actions">{k.revoked_at ? null : (
                  <button type="button" class="plain danger-text" aria-label={`Revoke ${k.name}`} onClick={() => setRevoking(k)}>Revoke</button>
                )}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {making ? <Create onClose={() => { setMaking(false); reload(); }} /> : null}
      {revoking ? <Confirm title={`Revoke ${revoking.name}?`} text="Whoever uses it is refused within a second."
        action="Revoke" onConfirm={revoke} onClose={() => setRevoking(undefined)} /> : null}
    </>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [actions, setActions] = useState(['read']);
  const [patterns, setPatterns] = useState('*');
  const [days, setDays] = useState(0);
  const [made, setMade] = useState<Key>();
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const body: Record<string, unknown> = { name, actions, patterns: patterns.split(',').map((p) => p.trim()).filter(Boolean) };
      if (days) body.expires_at = new Date(Date.now() + days * DAY_MS).toISOString();
      setMade(await post<Key>('/keys', body));
    } catch (e) {
      setError(e);
    }
  };
  if (made) {
    return (
      <Dialog title={`Key for ${made.name}`} onClose={onClose}>
        <p>Copy it now: it is shown this once.</p>
        <p><code class="secret">{made.key}</code></p>
        <footer>
          <button type="button" onClick={() => navigator.clipboard.writeText(made.key!).then(() => say('Copied'), setError)}>Copy</button>
          <button type="button" class="primary" onClick={onClose}>Done</button>
        </footer>
        <Failure error={error} />
      </Dialog>
    );
  }
  return (
    <Dialog title="New key" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name"><input required autofocus value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <fieldset>
          <legend>May</legend>
          {ACTIONS.map((a) => (
            <label class="check"><input type="checkbox" checked={actions.includes(a)}
              onChange={(e) => setActions(e.currentTarget.checked ? [...actions, a] : actions.filter((x) => x !== a))} /> {a}</label>
          ))}
        </fieldset>
        <Field label="On" hint="users, logs_*, kv:sessions, shop/orders, */*">
          <input class="code" required value={patterns} onInput={(e) => setPatterns(e.currentTarget.value)} />
        </Field>
        <Field label="Expires">
          <select value={days} onChange={(e) => setDays(Number(e.currentTarget.value))}>
            {LIVES.map(([n, told]) => <option value={n}>{told}</option>)}
          </select>
        </Field>
        <Failure error={error} />
        <footer>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary" disabled={actions.length === 0}>Create</button>
        </footer>
      </form>
    </Dialog>
  );
}
