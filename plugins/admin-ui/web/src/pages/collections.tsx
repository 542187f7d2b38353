// All collections: how large they are, and making and dropping them.
import { useState } from 'preact/hooks';
import { type CollectionInfo, listCollections, segment, send } from '../api';
import { go, say } from '../session';
import { Confirm, Dialog, Empty, Failure, Field, bytes, count, counted, useLoad } from '../ui';

export function CollectionsPage() {
  const [found, error, reload] = useLoad(listCollections, []);
  const [filter, setFilter] = useState('');
  const [making, setMaking] = useState(false);
  const [dropping, setDropping] = useState<CollectionInfo>();
  const [failure, setFailure] = useState<unknown>();
  const shown = found?.filter((c) => c.name.toLowerCase().includes(filter.toLowerCase())) ?? [];
  const drop = async () => {
    try {
      await send('DELETE', `/collections/${segment(dropping!.name)}`);
      say(`Dropped ${dropping!.name}`);
    } catch (e) {
      setFailure(e);
    }
    setDropping(undefined);
    reload();
  };
  return (
    <>
      <header class="page-head">
        <h1>Collections</h1>
        <input type="search" data-filter aria-label="Filter collections" placeholder="Filter  /" value={filter}
          onInput={(e) => setFilter(e.currentTarget.value)} />
        <button type="button" class="primary" onClick={() => setMaking(true)}>New collection</button>
      </header>
      <Failure error={error ?? failure} />
      {found && found.length === 0 ? (
        <Empty title="No collections yet">
          Make one here, or insert a document: the first insert makes its collection.{' '}
          <code>nexadb sample load</code> brings real texts with real embeddings.
        </Empty>
      ) : found && shown.length === 0 ? (
        <Empty title="No name matches">None of the {count(found.length)} collections has “{filter}” in its name.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Collections">
          <table>
            <thead><tr><th>Name</th><th class="number">Documents</th><th class="number">Size</th><th class="number">Indexes</th><th>Vectors</th>
              <th><span class="hidden">Actions</span></th></tr></thead>
            <tbody>
              {shown.map((c) => (
                <tr key={c.name}>
                  <td><a href={`#/collections/${segment(c.name)}`}>{c.name}</a></td>
                  <td class="number">{count(c.documents)}</td>
                  <td class="number">{bytes(c.bytes ?? NaN)}</td>
                  <td class="number">{count(c.indexes ?? NaN)}</td>
                  <td>{c.vector ? <span class="chip">vectors</span> : ''}</td>
                  <td class="actions"><button type="button" class="plain danger-text" aria-label={`Drop ${c.name}`}
                    onClick={() => setDropping(c)}>Drop</button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making ? <Create onClose={() => setMaking(false)} /> : null}
      {dropping ? (
        <Confirm title={`Drop ${dropping.name}?`} action="Drop it" onClose={() => setDropping(undefined)} onConfirm={drop}
          text={`With it go ${counted(dropping.documents, 'document')}, at once. This cannot be undone.`} />
      ) : null}
    </>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [dimensions, setDimensions] = useState('');
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      if (dimensions) await send('PUT', `/vector/${segment(name)}`, { dimensions: Number(dimensions) });
      else await send('POST', '/collections', { name });
      say(`Made ${name}`);
      go(`/collections/${segment(name)}`);
    } catch (e) {
      setError(e);
    }
  };
  return (
    <Dialog title="New collection" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name"><input required autofocus maxLength={120} spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <Field label="Vector dimensions" hint="leave empty for plain documents">
          <input type="number" min={1} max={65535} value={dimensions} onInput={(e) => setDimensions(e.currentTarget.value)} />
        </Field>
        <Failure error={error} />
        <footer>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary">Create</button>
        </footer>
      </form>
    </Dialog>
  );
}
