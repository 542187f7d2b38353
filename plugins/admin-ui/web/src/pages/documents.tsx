// Browse, filter, create, edit, delete, import and export documents. Pages go by cursor, edits by
// If-Match.
import { useRef, useState } from 'preact/hooks';
import { type Doc, type Json, Problem, download, post, segment, send } from '../api';
import { say } from '../session';
import { Confirm, Dialog, Empty, Failure, Field, JsonEditor, brief, counted, useLoad } from '../ui';
import type { VectorInfo } from './collection';

const PAGE = 50;
const COLUMNS_MAX = 6;

interface Found {
  documents: Doc[];
  next_cursor: string | null;
  total?: number;
  took_ms?: number;
}

/** The path segment of a document's id: strings as they are, other types as Extended JSON. */
function idPath(name: string, id: unknown): string {
  return typeof id === 'string'
    ? `/collections/${segment(name)}/${segment(id)}`
    : `/collections/${segment(name)}/${segment(JSON.stringify(id))}?id_type=json`;
}

function columnsOf(documents: Doc[]): string[] {
  const seen = new Map<string, number>();
  for (const document of documents) {
    for (const name of Object.keys(document)) {
      if (name !== '_id' && name !== '_created_at' && name !== '_updated_at') seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  }
  return [...seen].sort((a, b) => b[1] - a[1]).slice(0, COLUMNS_MAX).map(([name]) => name);
}

const names = (text: string) => text.split(',').map((s) => s.trim()).filter(Boolean);

interface Query {
  filter: string;
  sort: string;
  fields: string;
}

/** The request's members of what was typed. */
function spec(query: Query): Record<string, unknown> {
  let filter: unknown;
  try {
    filter = JSON.parse(query.filter.trim() || '{}');
  } catch (error) {
    throw new Error(`The filter is not JSON: ${(error as Error).message}`);
  }
  const body: Record<string, unknown> = { query: filter };
  if (names(query.sort).length) {
    body.sort = Object.fromEntries(names(query.sort).map((s) => (s.startsWith('-') ? [s.slice(1), -1] : [s, 1])));
  }
  if (names(query.fields).length) body.fields = names(query.fields);
  return body;
}

interface PanelProps {
  name: string;
  vector: VectorInfo | null;
  onChanged: () => void;
}

function Cell({ value }: { value: Json | undefined }) {
  if (value === undefined) return <td />;
  if (typeof value === 'number') return <td class="number">{value}</td>;
  const text = brief(value);
  return <td class={typeof value === 'string' ? 'cell' : 'cell code'} title={text}>{text}</td>;
}

export function DocumentsPanel({ name, vector, onChanged }: PanelProps) {
  const [typed, setTyped] = useState('{}');
  const [sort, setSort] = useState('');
  const [fields, setFields] = useState('');
  const [query, setQuery] = useState<Query>({ filter: '{}', sort: '', fields: '' });
  const [cursors, setCursors] = useState<string[]>([]);
  const [editing, setEditing] = useState<Doc | 'new'>();
  const cursor = cursors[cursors.length - 1];
  const [found, error, reload] = useLoad(async () => {
    const body: Record<string, unknown> = { ...spec(query), limit: PAGE, total: true };
    if (cursor) body.cursor = cursor;
    return post<Found>(`/collections/${segment(name)}/query`, body);
  }, [name, query, cursor]);
  const run = () => { setCursors([]); setQuery({ filter: typed, sort, fields }); };
  const [explained, setExplained] = useState(false);
  const done = () => { reload(); onChanged(); };
  const columns = columnsOf(found?.documents ?? []);
  return (
    <>
      <form class="query" onSubmit={(e) => { e.preventDefault(); run(); }}>
        <Field label="Filter" hint="a MongoDB query">
          <input data-filter class="code" value={typed} spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
        </Field>
        <Field label="Sort" hint="-age,name">
          <input class="code" value={sort} spellcheck={false} onInput={(e) => setSort(e.currentTarget.value)} />
        </Field>
        <Field label="Fields" hint="name,address.city">
          <input class="code" value={fields} spellcheck={false} onInput={(e) => setFields(e.currentTarget.value)} />
        </Field>
        <div class="buttons">
          <button type="submit" class="primary">Find</button>
          <button type="button" onClick={() => { run(); setExplained(true); }}>Explain</button>
        </div>
      </form>
      <div class="panel-head">
        <p class="hint" role="status">{found ? `${found.documents.length} shown${found.total !== undefined ? ` of ${found.total.toLocaleString('en')}` : ''}${found.took_ms !== undefined ? ` in ${found.took_ms.toFixed(1)} ms` : ''}` : ''}</p>
        <Transfer name={name} onDone={done} />
        <button type="button" class="primary" onClick={() => setEditing('new')}>New document</button>
      </div>
      <Failure error={error} />
      {found && found.documents.length === 0 ? (
        <Empty title="Nothing matches">{query.filter === '{}' ? 'This collection is empty: make a document, or import a file of them.' : 'Try a wider filter.'}</Empty>
      ) : null}
      {found && found.documents.length > 0 ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Documents">
          <table>
            <thead><tr><th>_id</th>{columns.map((c) => <th class={found.documents.every((d) => !(c in d) || typeof d[c] === 'number') ? 'number' : ''}>{c}</th>)}</tr></thead>
            <tbody>
              {found.documents.map((d) => (
                <tr key={JSON.stringify(d._id)}>
                  <td><button type="button" class="plain code id" title={brief(d._id)} onClick={() => setEditing(d)}>{brief(d._id)}</button></td>
                  {columns.map((c) => <Cell value={d[c]} />)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {cursors.length || found?.next_cursor ? <div class="pager">
        <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>Previous</button>
        <span>Page {cursors.length + 1}</span>
        <button type="button" disabled={!found?.next_cursor} onClick={() => setCursors([...cursors, found!.next_cursor!])}>Next</button>
      </div> : null}
      {editing ? <Editor name={name} vector={vector} document={editing} onClose={() => setEditing(undefined)}
        onDone={() => { setEditing(undefined); done(); }} /> : null}
      {explained ? <Plan name={name} query={query} onClose={() => setExplained(false)} /> : null}
    </>
  );
}

/** How the server would run the query: through which index, or by reading everything. */
function Plan({ name, query, onClose }: { name: string; query: Query; onClose: () => void }) {
  const [found, error] = useLoad(async () =>
    (await post<{ explain: Doc }>(`/collections/${segment(name)}/_explain`, spec(query))).explain, [query]);
  const plan = (found?.queryPlanner as Doc | undefined)?.winningPlan ?? found;
  return (
    <Dialog wide title="How this query runs" onClose={onClose}>
      <Failure error={error} />
      {plan ? <pre tabIndex={0} aria-label="Plan">{JSON.stringify(plan, null, 2)}</pre> : null}
      <footer><button type="button" autofocus onClick={onClose}>Done</button></footer>
    </Dialog>
  );
}

const TYPES: Record<string, string> = { csv: 'text/csv', json: 'application/json' };
// Of what an import refuses, the first few: more would be a list that nobody reads.
const REFUSALS_SHOWN = 5;

interface Imported {
  inserted: number;
  failed: number;
  errors?: { index: number; detail: string }[];
}

function Transfer({ name, onDone }: { name: string; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [imported, setImported] = useState<Imported>();
  const [failure, setFailure] = useState<unknown>();
  const attempt = async (action: () => Promise<void>) => {
    setBusy(true);
    try {
      await action();
    } catch (e) {
      setFailure(e);
    }
    setBusy(false);
  };
  const take = () => attempt(async () => {
    const file = input.current!.files![0];
    const type = TYPES[file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/x-ndjson';
    try {
      const { body } = await send<Imported & Doc>('POST', `/collections/${segment(name)}/_import`, file, { 'Content-Type': type });
      say(`Imported ${counted(body.inserted, 'document')}`);
      if (body.failed) setImported(body);
    } finally {
      input.current!.value = '';
      onDone();
    }
  });
  const give = () => attempt(() => download(`/collections/${segment(name)}/_export`, `${name}.ndjson`));
  return (
    <>
      <input ref={input} type="file" class="hidden" tabIndex={-1} aria-label="File to import" accept=".json,.ndjson,.jsonl,.csv" onChange={take} />
      <button type="button" disabled={busy} title="JSON, NDJSON or CSV" onClick={() => input.current!.click()}>Import…</button>
      <button type="button" disabled={busy} title="As NDJSON" onClick={give}>Export</button>
      {imported || failure ? (
        <Dialog title="Not everything went through" onClose={() => { setImported(undefined); setFailure(undefined); }}>
          <Failure error={failure} />
          {imported ? (
            <>
              <p>{imported.inserted.toLocaleString('en')} documents were imported, {imported.failed.toLocaleString('en')} refused.</p>
              <ul class="refusals">{imported.errors?.slice(0, REFUSALS_SHOWN).map((e) => <li>Document {e.index + 1}: {e.detail}</li>)}</ul>
            </>
          ) : null}
        </Dialog>
      ) : null}
    </>
  );
}

const TEMPLATE = '{\n  \n}';

interface EditorProps {
  name: string;
  vector: VectorInfo | null;
  document: Doc | 'new';
  onClose: () => void;
  onDone: () => void;
}

function Editor(props: EditorProps) {
  const { name, document } = props;
  const isNew = document === 'new';
  const [text, setText] = useState(isNew ? TEMPLATE : '');
  const [original, setOriginal] = useState(text);
  const [warned, setWarned] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  // The whole document, fresh, with the version that the edit is based on.
  const [loaded, error] = useLoad(async () => {
    if (isNew) return undefined;
    const answer = await send<{ document: Doc }>('GET', idPath(name, document._id));
    const shown = JSON.stringify(answer.body.document, null, 2);
    setText(shown);
    setOriginal(shown);
    return answer;
  }, []);
  const attempt = async (action: () => Promise<void>) => {
    try {
      await action();
      props.onDone();
    } catch (e) {
      setFailure(e instanceof Problem && e.status === 412
        ? new Error('Somebody else has changed this document meanwhile. Close, open it again, and repeat your change.') : e);
    }
  };
  const save = () => attempt(async () => {
    if (isNew) {
      JSON.parse(text);
      await send('POST', `/collections/${segment(name)}`, text);
      say('Stored');
      return;
    }
    const { _id, _created_at, _updated_at, ...fields } = JSON.parse(text) as Doc;
    const path = idPath(name, document._id);
    await send('PUT', `${path}${path.includes('?') ? '&' : '?'}mode=replace`, fields,
      loaded?.etag ? { 'If-Match': loaded.etag } : {});
    say('Saved');
  });
  const remove = () => attempt(async () => {
    await send('DELETE', idPath(name, (document as Doc)._id));
    say('Deleted');
  });
  // What was typed is not lost by one Escape.
  const close = () => {
    if (text === original || warned) props.onClose();
    else setWarned(true);
  };
  if (removing) {
    return <Confirm title="Delete this document?" text={`_id ${brief((document as Doc)._id)}. This cannot be undone.`}
      action="Delete" onConfirm={remove} onClose={() => setRemoving(false)} />;
  }
  return (
    <Dialog wide title={isNew ? 'New document' : `Document ${brief(document._id)}`} onClose={close}>
      <JsonEditor label="JSON" rows={18} autofocus loading={!isNew && !loaded} value={text} onChange={setText} onRun={save} runs="saves it" />
      {props.vector ? <p class="hint">The member <code>__vector__</code>, an array of {props.vector.dimensions} numbers, is stored as the document's vector.{isNew ? '' : ' Without it, the vector stays as it is.'}</p> : null}
      {warned && text !== original ? <p class="failure" role="alert">Your changes are not saved. Close again to discard them.</p> : null}
      <Failure error={error ?? failure} />
      <footer>
        {isNew ? null : <button type="button" class="danger-text start" onClick={() => setRemoving(true)}>Delete</button>}
        <button type="button" onClick={close}>Cancel</button>
        <button type="button" class="primary" disabled={!isNew && !loaded} onClick={save}>Save</button>
      </footer>
    </Dialog>
  );
}
