// A collection's indexes: which there are, making and dropping them.
import { useState } from 'preact/hooks';
import { get, segment, send } from '../api';
import { say } from '../session';
import { Confirm, Dialog, Failure, Field, useLoad } from '../ui';

interface Index {
  name: string;
  key: Record<string, number | string>;
  unique?: boolean;
  sparse?: boolean;
  partialFilterExpression?: unknown;
  expireAfterSeconds?: number;
}

const keyText = (key: Index['key']) =>
  Object.entries(key).map(([path, order]) => (order === 1 ? path : order === -1 ? `-${path}` : `${path} (${order})`)).join(', ');

function properties(index: Index): string {
  const found = [];
  if (index.unique || index.name === '_id_') found.push('unique');
  if (index.sparse) found.push('sparse');
  if (index.partialFilterExpression) found.push(`where ${JSON.stringify(index.partialFilterExpression)}`);
  if (index.expireAfterSeconds !== undefined) found.push(`expires after ${index.expireAfterSeconds} s`);
  return found.join(', ');
}

export function IndexesPanel({ name, onChanged }: { name: string; onChanged: () => void }) {
  const path = `/collections/${segment(name)}/_indexes`;
  const [found, error, reload] = useLoad(() => get<{ indexes: Index[] }>(path), [path]);
  const [making, setMaking] = useState(false);
  const [dropping, setDropping] = useState<Index>();
  const [failure, setFailure] = useState<unknown>();
  const drop = async () => {
    try {
      await send('DELETE', `${path}/${segment(dropping!.name)}`);
      say(`Dropped ${dropping!.name}`);
      setFailure(undefined);
    } catch (e) {
      setFailure(e);
    }
    setDropping(undefined);
    reload();
    onChanged();
  };
  return (
    <>
      <div class="panel-head">
        <p class="hint">A unique index refuses a second document with the same values. A query reads an index where that costs less than the whole collection; explain says which.</p>
        <button type="button" class="primary" onClick={() => setMaking(true)}>New index</button>
      </div>
      <Failure error={error ?? failure} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Indexes">
        <table>
          <thead><tr><th>Name</th><th>Fields</th><th>Properties</th><th><span class="hidden">Actions</span></th></tr></thead>
          <tbody>{found?.indexes.map((index) => (
            <tr key={index.name}>
              <td>{index.name}</td>
              <td class="code">{keyText(index.key)}</td>
              <td>{properties(index)}</td>
              <td class="actions">{index.name === '_id_' ? null : (
                <button type="button" class="plain danger-text" aria-label={`Drop ${index.name}`} onClick={() => setDropping(index)}>Drop</button>
              )}</td>
            </tr>
          ))}</tbody>
        </table>
      </div>
      {making ? <Create path={path} onClose={() => setMaking(false)} onDone={() => { setMaking(false); reload(); onChanged(); }} /> : null}
      {dropping ? <Confirm title={`Drop ${dropping.name}?`} text="A unique index no longer refuses documents from then on."
        action="Drop it" onConfirm={drop} onClose={() => setDropping(undefined)} /> : null}
    </>
  );
}

function Create({ path, onClose, onDone }: { path: string; onClose: () => void; onDone: () => void }) {
  const [fields, setFields] = useState('');
  const [unique, setUnique] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    const key = Object.fromEntries(fields.split(',').map((f) => f.trim()).filter(Boolean)
      .map((f) => (f.startsWith('-') ? [f.slice(1), -1] : [f, 1])));
    try {
      await send('POST', path, unique ? { key, unique } : { key });
      say('Made the index');
      onDone();
    } catch (e) {
      setError(e);
    }
  };
  return (
    <Dialog title="New index" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Fields" hint="age,-name: minus for descending">
          <input class="code" required autofocus spellcheck={false} value={fields} onInput={(e) => setFields(e.currentTarget.value)} />
        </Field>
        <label class="check"><input type="checkbox" checked={unique} onChange={(e) => setUnique(e.currentTarget.checked)} /> No two documents may have the same values</label>
        <Failure error={error} />
        <footer>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary">Create</button>
        </footer>
      </form>
    </Dialog>
  );
}
