// The server at a glance: figures, live charts of operations, latency and storage, and what the
// storage engine says of its levels.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Doc, Problem, buckets, get, sumMetric } from '../api';
import { Failure, bytes, count, duration, useLoad } from '../ui';
import { Chart } from './chart';

const EVERY_MS = 2000;
// The second sample comes soon, so that the charts have something to show.
const SECOND_MS = 600;
const POINTS_MAX = 120;

interface Sample {
  at: number;
  requests: number;
  seconds: number;
  buckets: Map<number, number>;
  commits: number;
  resident: number;
  disk: number;
  memory: number;
}
interface Point {
  at: number;
  rate: number;
  mean: number;
  slow: number;
  commits: number;
  resident: number;
  disk: number;
  memory: number;
}
interface Stats extends Doc {
  engine_stats: Doc;
}

/** Engines differ in what they count: a figure that one lacks is 0. */
const figure = (engine: Doc, ...names: string[]) =>
  names.reduce((sum, name) => sum + (typeof engine[name] === 'number' ? (engine[name] as number) : 0), 0);

async function takeSample(): Promise<[Sample, Stats]> {
  const [text, { stats }] = await Promise.all([get<string>('/metrics'), get<{ stats: Stats }>('/stats')]);
  const engine = stats.engine_stats;
  return [{
    at: Date.now() / 1000,
    requests: sumMetric(text, 'nexadb_http_requests_total'),
    seconds: sumMetric(text, 'nexadb_http_request_seconds_sum'),
    buckets: buckets(text, 'nexadb_http_request_seconds'),
    commits: figure(engine, 'commit_batches'),
    resident: sumMetric(text, 'process_resident_memory_bytes'),
    disk: figure(engine, 'sstable_bytes', 'wal_bytes'),
    memory: figure(engine, 'memtable_size', 'cache_bytes'),
  }, stats];
}

/** The edge of the bucket under which 99 of 100 requests between the samples ended, in milliseconds. */
function slowest(last: Sample, now: Sample): number {
  const edges = [...now.buckets.keys()].sort((a, b) => a - b);
  const since = (edge: number) => now.buckets.get(edge)! - (last.buckets.get(edge) ?? 0);
  const all = edges.length ? since(edges[edges.length - 1]) : 0;
  const edge = edges.find((e) => since(e) >= all * 0.99);
  return all === 0 || edge === undefined ? 0 : (Number.isFinite(edge) ? edge : edges[edges.length - 2]) * 1000;
}

function pointBetween(last: Sample, now: Sample): Point {
  const seconds = now.at - last.at;
  const requests = now.requests - last.requests;
  return {
    at: now.at, rate: requests / seconds, commits: (now.commits - last.commits) / seconds,
    mean: requests > 0 ? ((now.seconds - last.seconds) / requests) * 1000 : 0, slow: slowest(last, now),
    resident: now.resident, disk: now.disk, memory: now.memory,
  };
}

function useLive(): { points: Point[]; stats?: Stats; error: unknown } {
  const [points, setPoints] = useState<Point[]>([]);
  const [stats, setStats] = useState<Stats>();
  const [error, setError] = useState<unknown>();
  const before = useRef<Sample>();
  useEffect(() => {
    let timer = 0;
    let stopped = false;
    let samples = 0;
    const sample = async () => {
      try {
        // Nobody looks at a hidden page: it asks nothing.
        if (!document.hidden) {
          const [now, found] = await takeSample();
          const last = before.current;
          // Counters that went back belong to a server that was started anew.
          if (last && now.requests >= last.requests) {
            setPoints((s) => [...s, pointBetween(last, now)].slice(-POINTS_MAX));
          }
          before.current = now;
          setStats(found);
          samples++;
          setError(undefined);
        }
      } catch (e) {
        if (!(e instanceof Problem && e.status === 0)) setError(e);
      }
      if (!stopped) timer = window.setTimeout(sample, samples === 1 ? SECOND_MS : EVERY_MS);
    };
    void sample();
    return () => { stopped = true; clearTimeout(timer); };
  }, []);
  return { points, stats, error };
}

const perSecond = (n: number) => `${n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 1 : 0 })} /s`;
const milliseconds = (n: number) => `${n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 2 : 0 })} ms`;

function Charts({ points }: { points: Point[] }) {
  const times = points.map((p) => p.at);
  const line = (name: string, of: (p: Point) => number) => ({ name, values: points.map(of) });
  return (
    <div class="charts">
      <Chart title="Requests" unit="rate" format={perSecond} times={times} lines={[line('all', (p) => p.rate)]} />
      <Chart title="Latency" unit="time" format={milliseconds} times={times}
        lines={[line('99 %', (p) => p.slow), line('mean', (p) => p.mean)]} />
      <Chart title="Writes committed" unit="rate" format={perSecond} times={times} lines={[line('all', (p) => p.commits)]} />
      <Chart title="Storage on disk" unit="size" format={bytes} times={times} lines={[line('all', (p) => p.disk)]} />
      <Chart title="Storage in memory" unit="size" format={bytes} times={times} lines={[line('all', (p) => p.memory)]} />
      <Chart title="Process memory" unit="size" format={bytes} times={times} lines={[line('all', (p) => p.resident)]} />
    </div>
  );
}

interface Level {
  level: number;
  tables: number;
  bytes: number;
  rows: number;
}

function Engine({ engine }: { engine: Doc }) {
  const levels = ((engine.levels ?? []) as unknown as Level[]).filter((l) => l.tables > 0);
  const asked = figure(engine, 'cache_hits', 'cache_misses');
  const facts: [string, string][] = [
    ['Engine', String(engine.engine ?? '–')],
    ['Flushes', count(figure(engine, 'flushes'))],
    ['Compactions', count(figure(engine, 'compactions'))],
    ['Waiting to be compacted', bytes(figure(engine, 'compaction_debt_bytes'))],
    ['Cache hits', asked ? `${((100 * figure(engine, 'cache_hits')) / asked).toFixed(1)} %` : '–'],
    ['Writes held up', duration(figure(engine, 'stall_us', 'delay_us') / 1e6)],
  ];
  return (
    <section class="card" aria-labelledby="engine">
      <h2 id="engine">Storage engine</h2>
      <dl class="facts">{facts.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {levels.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Levels">
          <table>
            <thead><tr><th>Level</th><th class="number">Tables</th><th class="number">Rows</th><th class="number">Size</th></tr></thead>
            <tbody>{levels.map((l) => (
              <tr><td>{l.level}</td><td class="number">{count(l.tables)}</td><td class="number">{count(l.rows)}</td>
                <td class="number">{bytes(l.bytes)}</td></tr>
            ))}</tbody>
          </table>
        </div>
      ) : <p class="hint">Everything is in memory and in the log; table files come with the first flush.</p>}
    </section>
  );
}

function FirstSteps() {
  return (
    <section class="card" aria-labelledby="first">
      <h2 id="first">First steps</h2>
      <ol class="steps">
        <li><a href="#/collections">Make a collection</a>, then put documents into it here.</li>
        <li>Or load real texts with real embeddings: <code>nexadb sample load</code></li>
        <li>Or insert over HTTP, which makes the collection as well:
          <pre tabIndex={0} aria-label="Example">{`curl ${location.origin}/collections/people \\
  -H "X-API-Key: $(cat nexadb_data/root.key)" \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Ada", "age": 36}'`}</pre></li>
      </ol>
    </section>
  );
}

export function OverviewPage() {
  const [status, error] = useLoad(() => get('/status').then((s) => ({ ...s, since: Date.now() / 1000 - Number(s.uptime_s ?? 0) }) as Doc), []);
  const { points, stats, error: liveError } = useLive();
  const figures: [string, string][] = [
    ['Collections', count(Number(stats?.collections ?? NaN))],
    ['Documents', count(Number(stats?.documents ?? NaN))],
    ['With vectors', count(Number(stats?.vector_collections ?? NaN))],
    ['Databases', count(Number(stats?.databases ?? NaN))],
    ['Buckets', count(Number(stats?.buckets ?? NaN))],
    ['Version', String(status?.version ?? '–')],
  ];
  return (
    <>
      <header class="page-head">
        <h1>Overview</h1>
        {status ? <p class="badge"><span class={`dot ${status.ready ? 'good' : 'bad'}`} />{String(status.state ?? status.status)} · up {duration(Date.now() / 1000 - Number(status.since))}</p> : null}
      </header>
      <Failure error={error ?? liveError} />
      <dl class="figures">{figures.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {stats && stats.collections === 0 && stats.buckets === 0 ? <FirstSteps /> : null}
      <Charts points={points} />
      <p class="hint">Requests are those of all ports; this page's own, one a second, are among them.</p>
      {stats ? <Engine engine={stats.engine_stats} /> : null}
    </>
  );
}
