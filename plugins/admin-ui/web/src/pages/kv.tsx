// Key-value: the keys of a bucket by prefix, and making, changing and deleting one.
import { useState } from 'preact/hooks';
import { Problem, download, get, getBytes, instant, segment, send } from '../api';
import { go, say } from '../session';
import { Confirm, Dialog, Empty, Failure, Field, brief, bytes, count, counted, duration, useLoad, when } from '../ui';

const PAGE = 50;
const BUCKETS_SHOWN = 1000;

interface Buckets {
  buckets: { name: string; keys: number }[];
  next_cursor: string | null;
}
interface Entry {
  key?: string;
  key_base64?: string;
  value?: string;
  value_base64?: string;
  content_type?: string;
  expires_at?: string;
}
interface Found {
  entries: Entry[];
  next_cursor: string | null;
}

const keyPath = (bucket: string, key: string) => `/kv/${segment(bucket)}/${segment(key)}`;
/** How many bytes base64 stands for. */
const sizeOf = (base64: string) => (base64.length * 3) / 4 - (base64.match(/=*$/)?.[0].length ?? 0);
const secondsUntil = (expires: string | null | undefined) =>
  (expires ? Math.max(1, Math.ceil((instant(expires)!.getTime() - Date.now()) / 1000)) : 0);

export function KeyValuePage({ bucket }: { bucket?: string }) {
  const [typed, setTyped] = useState(bucket ?? '');
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(0);
  const [listed, error] = useLoad(() => get<Buckets>(`/kv?limit=${BUCKETS_SHOWN}`), [made, bucket]);
  const open = (event: Event) => {
    event.preventDefault();
    if (typed.trim()) go(`/kv/${segment(typed.trim())}`);
  };
  return (
    <>
      <header class="page-head">
        <h1>Key-value</h1>
        <button type="button" class="primary" onClick={() => setMaking(true)}>New key</button>
      </header>
      <form class="query" onSubmit={open}>
        <Field label="Bucket" hint="its first key makes it">
          <input required list="buckets" spellcheck={false} maxLength={120} autofocus={!bucket} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
        </Field>
        <datalist id="buckets">{listed?.buckets.map((b) => <option value={b.name} />)}</datalist>
        <button type="submit">Open</button>
      </form>
      {bucket ? <Keys bucket={bucket} made={made} key={bucket} /> : <BucketTable listed={listed} error={error} />}
      {making ? <Value bucket={bucket ?? typed.trim()} onClose={() => setMaking(false)} onDone={(to) => {
        setMaking(false);
        setMade(made + 1);
        setTyped(to);
        go(`/kv/${segment(to)}`);
      }} /> : null}
    </>
  );
}

function BucketTable({ listed, error }: { listed?: Buckets; error: unknown }) {
  if (error) return <Failure error={error} />;
  if (!listed) return null;
  if (!listed.buckets.length) {
    return <Empty title="No buckets">Make a key: its bucket comes with it.</Empty>;
  }
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Buckets">
        <table>
          <thead><tr><th>Bucket</th><th>Keys</th></tr></thead>
          <tbody>{listed.buckets.map((b) => (
            <tr key={b.name}><td><a href={`#/kv/${segment(b.name)}`}>{b.name}</a></td><td>{count(b.keys)}</td></tr>
          ))}</tbody>
        </table>
      </div>
      {listed.next_cursor ? <p>The first {counted(BUCKETS_SHOWN, 'bucket')}; name another one above.</p> : null}
    </>
  );
}

function Shown({ entry }: { entry: Entry }) {
  if (entry.value !== undefined) return <td class="cell wide code" title={brief(entry.value)}>{brief(entry.value)}</td>;
  return <td><em>{bytes(sizeOf(entry.value_base64 ?? ''))} that are no text</em></td>;
}

/** `made` changes when a key was made elsewhere on the page. */
function Keys({ bucket, made }: { bucket: string; made: number }) {
  const [typed, setTyped] = useState('');
  const [prefix, setPrefix] = useState('');
  const [cursors, setCursors] = useState<string[]>([]);
  const [editing, setEditing] = useState<string>();
  const cursor = cursors[cursors.length - 1];
  const [found, error, reload] = useLoad(async () => {
    const search = new URLSearchParams({ values: 'true', limit: String(PAGE), prefix });
    if (cursor) search.set('cursor', cursor);
    return get<Found>(`/kv/${segment(bucket)}?${search}`);
  }, [bucket, prefix, cursor, made]);
  const entries = found?.entries ?? [];
  return (
    <>
      <form class="query" onSubmit={(e) => { e.preventDefault(); setCursors([]); setPrefix(typed); reload(); }}>
        <Field label="Keys that begin with"><input data-filter class="code" spellcheck={false} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} /></Field>
        <button type="submit" class="primary">Show</button>
      </form>
      <Failure error={error} />
      {found && !entries.length ? (
        <Empty title="No keys">{prefix ? `No key of ${bucket} begins with “${prefix}”.` : `${bucket} is empty: a bucket is there as long as it has keys.`}</Empty>
      ) : null}
      {entries.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Keys">
          <table>
            <thead><tr><th>Key</th><th>Value</th><th>Type</th><th>Expires</th></tr></thead>
            <tbody>{entries.map((e) => (
              <tr key={e.key ?? e.key_base64}>
                <td>{e.key !== undefined
                  ? <button type="button" class="plain code id" title={e.key} onClick={() => setEditing(e.key)}>{e.key}</button>
                  : <span class="code id" title="bytes that are no text, in base64">{e.key_base64}</span>}</td>
                <Shown entry={e} />
                <td><small>{e.content_type ?? '–'}</small></td>
                <td class="date">{e.expires_at ? <span title={when(instant(e.expires_at))}>in {duration(secondsUntil(e.expires_at))}</span> : 'never'}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      ) : null}
      {cursors.length || found?.next_cursor ? <div class="pager">
        <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>Previous</button>
        <span>Page {cursors.length + 1}</span>
        <button type="button" disabled={!found?.next_cursor} onClick={() => setCursors([...cursors, found!.next_cursor!])}>Next</button>
      </div> : null}
      {editing !== undefined ? <Value bucket={bucket} name={editing} onClose={() => setEditing(undefined)}
        onDone={() => { setEditing(undefined); reload(); }} /> : null}
    </>
  );
}

interface ValueProps {
  bucket: string;
  /** The key; none makes a new one. */
  name?: string;
  onClose: () => void;
  onDone: (bucket: string) => void;
}

interface Loaded {
  text: string | null;
  size: number;
  type: string;
  etag: string;
}

function Value({ bucket: into, name, onClose, onDone }: ValueProps) {
  const isNew = name === undefined;
  const [bucket, setBucket] = useState(into);
  const [key, setKey] = useState(name ?? '');
  const [text, setText] = useState('');
  const [ttl, setTtl] = useState('');
  const [removing, setRemoving] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const [loaded, error] = useLoad(async (): Promise<Loaded | undefined> => {
    if (isNew) return undefined;
    const { content, headers } = await getBytes(keyPath(bucket, name));
    let shown: string | null = null;
    try {
      shown = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
      setText(shown);
    } catch {
      setText('');  // bytes that are no text can be saved as a file, not edited
    }
    const left = secondsUntil(headers.get('x-expires-at'));
    setTtl(left ? `${left}s` : '');
    return { text: shown, size: content.byteLength, type: headers.get('content-type') ?? '', etag: headers.get('etag') ?? '' };
  }, []);
  const attempt = async (action: () => Promise<void>) => {
    try {
      await action();
      onDone(bucket);
    } catch (e) {
      setFailure(!(e instanceof Problem && e.status === 412) ? e : new Error(isNew
        ? 'This key exists already. Open it to change it.'
        : 'Somebody else has changed this key meanwhile. Close, open it again, and repeat your change.'));
    }
  };
  const save = () => attempt(async () => {
    const condition: Record<string, string> = isNew ? { 'If-None-Match': '*' } : { 'If-Match': loaded!.etag };
    const life = ttl.trim() ? `?${new URLSearchParams({ ttl: ttl.trim() })}` : '';
    await send('PUT', keyPath(bucket, key) + life, new Blob([text]),
      { 'Content-Type': loaded?.type || 'text/plain; charset=utf-8', ...condition });
    say(isNew ? `Stored ${key}` : 'Saved');
  });
  const remove = () => attempt(async () => {
    await send('DELETE', keyPath(bucket, key), undefined, { 'If-Match': loaded!.etag });
    say('Deleted');
  });
  if (removing) {
    return <Confirm title="Delete this key?" text={`${bucket}/${key}. This cannot be undone.`} action="Delete" onConfirm={remove} onClose={() => setRemoving(false)} />;
  }
  const binary = loaded && loaded.text === null;
  return (
    <Dialog wide title={isNew ? 'New key' : `Key ${brief(name)}`} onClose={onClose}>
      <form onSubmit={(e) => { e.preventDefault(); void save(); }}>
        {isNew ? (
          <div class="query">
            <Field label="Bucket"><input required spellcheck={false} maxLength={120} autofocus={!into} value={bucket} onInput={(e) => setBucket(e.currentTarget.value)} /></Field>
            <Field label="Key"><input required class="code" spellcheck={false} autofocus={Boolean(into)} value={key} onInput={(e) => setKey(e.currentTarget.value)} /></Field>
          </div>
        ) : null}
        {binary ? (
          <p>{bytes(loaded.size)} that are no text. <button type="button" onClick={() => download(keyPath(bucket, key), key.replace(/[^\w.-]/g, '_'))}>Save as a file</button></p>
        ) : (
          <Field label="Value" hint={loaded ? `${loaded.type}, ${bytes(loaded.size)}` : ''}>
            <textarea rows={10} spellcheck={false} autofocus={!isNew} readOnly={!isNew && !loaded} value={text} onInput={(e) => setText(e.currentTarget.value)}
              onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form!.requestSubmit(); }} />
          </Field>
        )}
        {binary ? null : <Field label="Expires after" hint="such as 60s or 10min; empty: never">
          <input spellcheck={false} value={ttl} onInput={(e) => setTtl(e.currentTarget.value)} />
        </Field>}
        <Failure error={error ?? failure} />
        <footer>
          {isNew ? null : <button type="button" class="danger-text start" disabled={!loaded} onClick={() => setRemoving(true)}>Delete</button>}
          <button type="button" onClick={onClose}>Cancel</button>
          {binary ? null : <button type="submit" class="primary" disabled={!isNew && !loaded}>Save</button>}
        </footer>
      </form>
    </Dialog>
  );
}
