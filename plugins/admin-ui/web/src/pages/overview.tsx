// The server at a glance: figures, and live charts of operations, latency and storage.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { type Doc, get, sumMetric } from '../api';
import { theme } from '../session';
import { Failure, bytes, count, useLoad } from '../ui';

const EVERY_MS = 2000;
const POINTS_MAX = 150;
type Series = [number[], number[]];

interface Sample {
  at: number;
  requests: number;
  seconds: number;
}

/** Appends a point and forgets the oldest. */
const extend = ([xs, ys]: Series, x: number, y: number): Series =>
  [[...xs, x].slice(-POINTS_MAX), [...ys, y].slice(-POINTS_MAX)];

function Chart({ title, unit, data }: { title: string; unit: string; data: Series }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const line = style.getPropertyValue('--accent').trim();
    const text = style.getPropertyValue('--muted').trim();
    const grid = style.getPropertyValue('--line').trim();
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
    plot.current = new uPlot({
      width: box.current!.clientWidth, height: 160, legend: { show: false }, cursor: { show: false },
      scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
      axes: [axis, { ...axis, size: 60 }],
      series: [{}, { stroke: line, width: 2, fill: line + '22', points: { show: false } }],
    }, data, box.current!);
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: box.current!.clientWidth, height: 160 }));
    resize.observe(box.current!);
    return () => { resize.disconnect(); plot.current?.destroy(); };
  }, [theme.value]);
  useEffect(() => plot.current?.setData(data), [data]);
  const last = data[1][data[1].length - 1];
  return (
    <figure class="chart">
      <figcaption>{title}<strong>{last === undefined ? '–' : last.toLocaleString('en', { maximumFractionDigits: 2 })} {unit}</strong></figcaption>
      <div ref={box} role="img" aria-label={`${title}: ${last === undefined ? 'no figure yet' : `${last.toFixed(2)} ${unit} now`}`} />
    </figure>
  );
}

function useLive(): { rate: Series; latency: Series; storage: Series; error: unknown } {
  const [rate, setRate] = useState<Series>([[], []]);
  const [latency, setLatency] = useState<Series>([[], []]);
  const [storage, setStorage] = useState<Series>([[], []]);
  const [error, setError] = useState<unknown>();
  const before = useRef<Sample>();
  useEffect(() => {
    const sample = async () => {
      try {
        const text = await get<string>('/metrics');
        const now: Sample = {
          at: Date.now() / 1000,
          requests: sumMetric(text, 'nexadb_http_requests_total'),
          seconds: sumMetric(text, 'nexadb_http_request_duration_seconds_sum'),
        };
        const resident = sumMetric(text, 'process_resident_memory_bytes');
        const last = before.current;
        if (last) {
          const requests = now.requests - last.requests;
          setRate((s) => extend(s, now.at, requests / (now.at - last.at)));
          setLatency((s) => extend(s, now.at, requests > 0 ? ((now.seconds - last.seconds) / requests) * 1000 : 0));
        }
        setStorage((s) => extend(s, now.at, resident / 2 ** 20));
        before.current = now;
        setError(undefined);
      } catch (e) {
        setError(e);
      }
    };
    void sample();
    const timer = setInterval(sample, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { rate, latency, storage, error };
}

export function OverviewPage() {
  const [status, error] = useLoad(() => get('/status'), []);
  const [stats, statsError] = useLoad(async () => (await get<{ stats: Doc }>('/stats')).stats, []);
  const live = useLive();
  const engine = (stats?.engine_stats ?? {}) as Doc;
  const figures: [string, string][] = [
    ['Collections', count(Number(stats?.collections ?? NaN))],
    ['Vector collections', count(Number(stats?.vector_collections ?? NaN))],
    ['Documents', count(Number(stats?.documents ?? NaN))],
    ['In memory', bytes(Number(engine.memtable_size ?? NaN))],
    ['Table files', count(Number(engine.num_sstables ?? NaN))],
    ['Version', String(status?.version ?? '–')],
  ];
  return (
    <>
      <header class="page-head">
        <h1>Overview</h1>
        {status ? <p class="badge">{String(status.state ?? status.status)} · up {count(Math.round(Number(status.uptime_s ?? 0)))} s</p> : null}
      </header>
      <Failure error={error ?? statsError ?? live.error} />
      <dl class="figures">{figures.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <div class="charts">
        <Chart title="Requests" unit="/s" data={live.rate} />
        <Chart title="Mean latency" unit="ms" data={live.latency} />
        <Chart title="Resident memory" unit="MiB" data={live.storage} />
      </div>
    </>
  );
}
