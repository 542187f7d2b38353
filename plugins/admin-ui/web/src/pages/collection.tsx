// One collection: its documents, a console for aggregations, vector search, and its indexes.
import { get, segment } from '../api';
import { go } from '../session';
import { bytes, count, counted, useLoad } from '../ui';
import { AggregatePanel } from './aggregate';
import { DocumentsPanel } from './documents';
import { IndexesPanel } from './indexes';
import { VectorPanel } from './vectors';

// What the address calls a tab, and what the page calls it.
const TABS = [
  ['documents', 'Documents'], ['aggregation', 'Aggregation'], ['vectors', 'Vector search'], ['indexes', 'Indexes'],
] as const;

export interface VectorInfo {
  dimensions: number;
  metric: string;
  index: string;
  count: number;
  memory_bytes?: number;
}

export interface CollectionStats {
  size: number;
  count: number;
  nindexes: number;
}

/** A collection without vectors, or one that does not exist yet, has none: that is no error. */
const orNull = <T,>(load: Promise<T>) => load.catch((e) => { if (e.status === 404) return null; throw e; });

export function CollectionPage({ name, tab }: { name: string; tab?: string }) {
  const path = `#/collections/${segment(name)}`;
  const [vector, , again] = useLoad(() => orNull(get<VectorInfo>(`/vector/${segment(name)}`)), [name]);
  const [stats, , reload] = useLoad(async () =>
    (await orNull(get<{ stats: CollectionStats }>(`/collections/${segment(name)}/_stats`)))?.stats, [name]);
  const tabs = TABS.filter(([slug]) => slug !== 'vectors' || vector);
  const current = TABS.find(([slug]) => slug === tab)?.[0] ?? 'documents';
  const changed = () => { reload(); again(); };
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    const at = tabs.findIndex(([slug]) => slug === current);
    const [next] = tabs[(at + step + tabs.length) % tabs.length];
    go(`${path.slice(1)}/${next}`);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <header class="page-head">
        <h1><a href="#/collections">Collections</a> <span aria-hidden="true">/</span> {name}</h1>
        {stats ? <p class="badge">{counted(stats.count, 'document')} · {bytes(stats.size)}</p> : null}
        {vector ? <p class="badge">{count(vector.count)} vectors · {vector.dimensions} dimensions · {vector.metric}</p> : null}
      </header>
      <div role="tablist" aria-label="Views" class="tabs" onKeyDown={move}>
        {tabs.map(([slug, title]) => (
          <button type="button" role="tab" id={`tab-${slug}`} aria-selected={slug === current} tabIndex={slug === current ? 0 : -1}
            aria-controls="panel" onClick={() => go(`${path.slice(1)}/${slug}`)}>{title}</button>
        ))}
      </div>
      <section role="tabpanel" id="panel" aria-labelledby={`tab-${current}`}>
        {current === 'documents' ? <DocumentsPanel name={name} vector={vector ?? null} onChanged={changed} /> : null}
        {current === 'aggregation' ? <AggregatePanel name={name} /> : null}
        {current === 'vectors' && vector ? <VectorPanel name={name} vector={vector} /> : null}
        {current === 'indexes' ? <IndexesPanel name={name} onChanged={changed} /> : null}
      </section>
    </>
  );
}
