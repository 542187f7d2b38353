// One collection: its documents, a console for aggregations, and vector search.
import { useState } from 'preact/hooks';
import { get, segment } from '../api';
import { Failure, count, useLoad } from '../ui';
import { AggregatePanel } from './aggregate';
import { DocumentsPanel } from './documents';
import { VectorPanel } from './vectors';

const TABS = ['Documents', 'Aggregation', 'Vector search'] as const;

export interface VectorInfo {
  dimensions: number;
  metric: string;
  index: string;
  count: number;
}

export function CollectionPage({ name }: { name: string }) {
  const [tab, setTab] = useState<(typeof TABS)[number]>('Documents');
  const [vector] = useLoad(
    () => get<VectorInfo>(`/vector/${segment(name)}`).catch((e) => { if (e.status === 404) return null; throw e; }), [name]);
  const [error] = useState<unknown>();
  const tabs = TABS.filter((t) => t !== 'Vector search' || vector);
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <header class="page-head">
        <h1><a href="#/collections">Collections</a> <span aria-hidden="true">/</span> {name}</h1>
        {vector ? <p class="badge">{count(vector.count)} vectors · {vector.dimensions} dimensions · {vector.metric}</p> : null}
      </header>
      <Failure error={error} />
      <div role="tablist" aria-label="Views" class="tabs" onKeyDown={move}>
        {tabs.map((t) => (
          <button type="button" role="tab" id={`tab-${t}`} aria-selected={t === tab} tabIndex={t === tab ? 0 : -1}
            aria-controls="panel" onClick={() => setTab(t)}>{t}</button>
        ))}
      </div>
      <section role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`}>
        {tab === 'Documents' ? <DocumentsPanel name={name} /> : null}
        {tab === 'Aggregation' ? <AggregatePanel name={name} /> : null}
        {tab === 'Vector search' && vector ? <VectorPanel name={name} vector={vector} /> : null}
      </section>
    </>
  );
}
