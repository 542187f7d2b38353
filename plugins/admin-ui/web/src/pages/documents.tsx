// Browse, filter, create, edit and delete documents. Pages go by cursor, edits by If-Match.
import { useState } from 'preact/hooks';
import { type Doc, Problem, post, segment, send } from '../api';
import { say } from '../session';
import { Confirm, Dialog, Empty, Failure, Field, JsonEditor, brief, useLoad } from '../ui';

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

export function DocumentsPanel({ name }: { name: string }) {
  const [typed, setTyped] = useState('{}');
  const [sort, setSort] = useState('');
  const [query, setQuery] = useState({ filter: '{}', sort: '' });
  const [cursors, setCursors] = useState<string[]>([]);
  const [editing, setEditing] = useState<Doc | 'new'>();
  const cursor = cursors[cursors.length - 1];
  const [found, error, reload] = useLoad(async () => {
    const body: Record<string, unknown> = { query: JSON.parse(query.filter || '{}'), limit: PAGE, total: true };
    if (query.sort) {
      body.sort = Object.fromEntries(query.sort.split(',').map((s) => s.trim()).filter(Boolean)
        .map((s) => (s.startsWith('-') ? [s.slice(1), -1] : [s, 1])));
    }
    if (cursor) body.cursor = cursor;
    return post<Found>(`/collections/${segment(name)}/query`, body);
  }, [name, query, cursor]);
  const run = () => { setCursors([]); setQuery({ filter: typed, sort }); };
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
        <button type="submit" class="primary">Find</button>
        <button type="button" onClick={() => setEditing('new')}>New document</button>
      </form>
      <Failure error={error} />
      {found && found.documents.length === 0 ? (
        <Empty title="Nothing matches">{query.filter === '{}' ? 'This collection is empty: make a document.' : 'Try a wider filter.'}</Empty>
      ) : null}
      {found && found.documents.length > 0 ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Documents">
          <table>
            <thead><tr><th>_id</th>{columns.map((c) => <th>{c}</th>)}</tr></thead>
            <tbody>
              {found.documents.map((d) => (
                <tr key={JSON.stringify(d._id)}>
                  <td><button type="button" class="plain code" onClick={() => setEditing(d)}>{brief(d._id)}</button></td>
                  {columns.map((c) => <td class="cell">{c in d ? brief(d[c]) : ''}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      <div class="pager">
        <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>Previous</button>
        <span>{found ? `${found.documents.length} shown${found.total !== undefined ? ` of ${found.total.toLocaleString('en')}` : ''}` : ''}</span>
        <button type="button" disabled={!found?.next_cursor} onClick={() => setCursors([...cursors, found!.next_cursor!])}>Next</button>
      </div>
      {editing ? <Editor name={name} document={editing} onClose={() => setEditing(undefined)}
        onDone={() => { setEditing(undefined); reload(); }} /> : null}
    </>
  );
}

function Editor(props: { name: string; document: Doc | 'new'; onClose: () => void; onDone: () => void }) {
  const { name, document } = props;
  const isNew = document === 'new';
  const [text, setText] = useState(isNew ? '{\n  \n}' : '');
  const [removing, setRemoving] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  // The whole document, fresh, with the version that the edit is based on.
  const [loaded, error] = useLoad(async () => {
    if (isNew) return undefined;
    const answer = await send<{ document: Doc }>('GET', idPath(name, document._id));
    setText(JSON.stringify(answer.body.document, null, 2));
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
  if (removing) {
    return <Confirm title="Delete this document?" text={`_id ${brief((document as Doc)._id)}. This cannot be undone.`}
      action="Delete" onConfirm={remove} onClose={() => setRemoving(false)} />;
  }
  return (
    <Dialog wide title={isNew ? 'New document' : `Document ${brief(document._id)}`} onClose={props.onClose}>
      <JsonEditor label="JSON" rows={18} value={text} onChange={setText} onRun={save} />
      <Failure error={error ?? failure} />
      <footer>
        {isNew ? null : <button type="button" class="danger" onClick={() => setRemoving(true)}>Delete</button>}
        <button type="button" onClick={props.onClose}>Cancel</button>
        <button type="button" class="primary" disabled={!isNew && !loaded} onClick={save}>Save</button>
      </footer>
    </Dialog>
  );
}
