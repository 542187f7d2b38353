// API keys: who may do what.
import { useState } from 'preact/hooks';
import { get, instant, post, segment, send } from '../api';
import { say } from '../session';
import { Confirm, Dialog, Failure, Field, count, useLoad, when } from '../ui';

interface Key {
  id: string;
  name: string;
  actions: string[];
  patterns: string[];
  requests_per_second?: number;
  burst?: number;
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
const rateOf = (key: Key) => (key.requests_per_second ? `${count(key.requests_per_second)}/s` : 'any');
const burstOf = (key: Key) => (key.burst ? `, ${count(key.burst)} at once` : '');
const ACTIONS = ['read', 'write', 'manage', 'admin'];

export function KeysPage() {
  const [found, error, reload] = useLoad(() => get<{ keys: Key[] }>('/keys'), []);
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key>();
  const [limiting, setLimiting] = useState<Key>();
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
          <thead><tr><th>Name</th><th>May</th><th>On</th><th>Rate</th><th>State</th><th>Expires</th><th>Last used</th><th><span class="hidden">Actions</span></th></tr></thead>
          <tbody>
            {found?.keys.map((k) => (
              <tr key={k.id}>
                <td>{k.name}{k.id === k.name ? null : <><br /><small class="code">{k.id}</small></>}</td>
                <td>{k.actions.join(', ')}</td>
                <td class="code">{k.patterns.join(', ')}</td>
                <td>{rateOf(k)}<small>{burstOf(k)}</small></td>
                <td><span class={`state ${stateOf(k)}`}>{stateOf(k)}</span></td>
                <td class="date">{k.expires_at ? when(instant(k.expires_at)) : 'never'}</td>
                <td class="date">{k.last_used_at ? when(instant(k.last_used_at)) : 'never'}</td>
                <td class="actions">{k.revoked_at ? null : <>
                  <button type="button" class="plain" aria-label={`Rate of ${k.name}`} onClick={() => setLimiting(k)}>Rate</button>
                  <button type="button" class="plain danger-text" aria-label={`Revoke ${k.name}`} onClick={() => setRevoking(k)}>Revoke</button>
                </>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {making ? <Create onClose={() => { setMaking(false); reload(); }} /> : null}
      {limiting ? <Limit of={limiting} onClose={() => { setLimiting(undefined); reload(); }} /> : null}
      {revoking ? <Confirm title={`Revoke ${revoking.name}?`} text="Whoever uses it is refused within a second."
        action="Revoke" onConfirm={revoke} onClose={() => setRevoking(undefined)} /> : null}
    </>
  );
}

interface RateProps {
  rate: string;
  burst: string;
  onRate: (rate: string) => void;
  onBurst: (burst: string) => void;
}

// The same bounds as the server's.
function Rate({ rate, burst, onRate, onBurst }: RateProps) {
  return (
    <>
      <Field label="Requests in a second" hint="empty: as many as it likes">
        <input type="number" min={1} max={1_000_000} value={rate} onInput={(e) => onRate(e.currentTarget.value)} />
      </Field>
      {rate ? (
        <Field label="At once after a silence" hint="empty: as many as in a second">
          <input type="number" min={1} max={1_000_000} value={burst} onInput={(e) => onBurst(e.currentTarget.value)} />
        </Field>
      ) : null}
    </>
  );
}

const numberOr = (typed: string, otherwise: number | null | undefined) => (typed ? Number(typed) : otherwise);

function Limit({ of, onClose }: { of: Key; onClose: () => void }) {
  const [rate, setRate] = useState(String(of.requests_per_second ?? ''));
  const [burst, setBurst] = useState(String(of.burst ?? ''));
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await send('PATCH', `/keys/${segment(of.id)}`, {
        requests_per_second: numberOr(rate, null), burst: rate ? numberOr(burst, null) : null,
      });
      say(`Changed ${of.name}`);
      onClose();
    } catch (e) {
      setError(e);
    }
  };
  return (
    <Dialog title={`Rate of ${of.name}`} onClose={onClose}>
      <form onSubmit={submit}>
        <Rate rate={rate} burst={burst} onRate={setRate} onBurst={setBurst} />
        <Failure error={error} />
        <footer>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary">Save</button>
        </footer>
      </form>
    </Dialog>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [actions, setActions] = useState(['read']);
  const [patterns, setPatterns] = useState('*');
  const [days, setDays] = useState(0);
  const [rate, setRate] = useState('');
  const [burst, setBurst] = useState('');
  const [made, setMade] = useState<Key>();
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const body: Record<string, unknown> = { name, actions, patterns: patterns.split(',').map((p) => p.trim()).filter(Boolean) };
      if (days) body.expires_at = new Date(Date.now() + days * DAY_MS).toISOString();
      if (rate) Object.assign(body, { requests_per_second: Number(rate), burst: numberOr(burst, undefined) });
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
        <Rate rate={rate} burst={burst} onRate={setRate} onBurst={setBurst} />
        <Failure error={error} />
        <footer>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary" disabled={actions.length === 0}>Create</button>
        </footer>
      </form>
    </Dialog>
  );
}
