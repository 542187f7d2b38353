// Nearest vectors: to one that is typed in, or to a document's own.
import { useState } from 'preact/hooks';
import { type Doc, post, segment } from '../api';
import { Empty, Failure, Field, JsonEditor, brief } from '../ui';
import type { VectorInfo } from './collection';

// What a hit shows of its document: the times say nothing about likeness.
function rest(document: Doc): string {
  const { _id, _created_at, _updated_at, ...fields } = document;
  return brief(fields);
}

interface Hit {
  document_id: string;
  similarity: number;
  document: Doc;
}

export function VectorPanel({ name, vector }: { name: string; vector: VectorInfo }) {
  const [text, setText] = useState('');
  const [id, setId] = useState('');
  const [filter, setFilter] = useState('');
  const [limit, setLimit] = useState(10);
  const [hits, setHits] = useState<Hit[]>();
  const [error, setError] = useState<unknown>();
  const run = async () => {
    try {
      const body: Record<string, unknown> = { limit };
      if (id.trim()) body.id = id.trim();
      else body.vector = JSON.parse(text || '[]');
      if (filter.trim()) body.filter = JSON.parse(filter);
      setHits((await post<{ results: Hit[] }>(`/vector/${segment(name)}/search`, body)).results);
      setError(undefined);
    } catch (e) {
      setError(e);
      setHits(undefined);
    }
  };
  return (
    <form class="console" onSubmit={(e) => { e.preventDefault(); void run(); }}>
      <Field label="Like the document with _id" hint="instead of a vector">
        <input class="code" spellcheck={false} value={id} onInput={(e) => setId(e.currentTarget.value)} />
      </Field>
      <JsonEditor label={`Vector of ${vector.dimensions} numbers`} rows={4} value={text} onChange={setText} onRun={run} />
      <div class="query">
        <Field label="Filter" hint="optional"><input class="code" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} /></Field>
        <Field label="Hits" hint="at most"><input type="number" min={1} max={10000} value={limit} onInput={(e) => setLimit(Number(e.currentTarget.value))} /></Field>
        <button type="submit" class="primary">Search</button>
      </div>
      <Failure error={error} />
      {hits && hits.length === 0 ? <Empty title="Nothing found">No document with a vector passes the filter.</Empty> : null}
      {hits && hits.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Hits">
          <table>
            <thead><tr><th class="number">Similarity</th><th>_id</th><th>Document</th></tr></thead>
            <tbody>{hits.map((h) => (
              <tr key={h.document_id}>
                <td class="number">{h.similarity.toFixed(4)}{vector.metric === 'cosine' ? <meter min={0} max={1} value={h.similarity} aria-hidden="true" /> : null}</td>
                <td><span class="code id" title={brief(h.document_id)}>{brief(h.document_id)}</span></td>
                <td class="cell wide" title={rest(h.document)}>{rest(h.document)}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      ) : null}
    </form>
  );
}
