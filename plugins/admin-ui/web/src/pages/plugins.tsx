// What is loaded, and who is wired to whom: drawn, and as a table.
import { get } from '../api';
import { Failure, useLoad } from '../ui';

interface Slot {
  slot: string;
  interface: string;
  instances: string[];
}
interface Instance {
  name: string;
  library: string;
  id: string;
  version: string;
  state: string;
  provides: string[];
  slots: Slot[];
  config?: Record<string, unknown>;
  reason?: string;
}

const BOX = { width: 168, height: 46, across: 268, down: 62, margin: 8 };

/** How far a plugin is from one that needs nobody: its column, counted from the right. */
function depths(plugins: Instance[]): Map<string, number> {
  const byName = new Map(plugins.map((p) => [p.name, p]));
  const found = new Map<string, number>();
  const depth = (name: string, seen: string[]): number => {
    if (found.has(name)) return found.get(name)!;
    // The kernel refuses cycles; this one only must not hang if one were sent.
    if (seen.includes(name)) return 0;
    const needs = byName.get(name)?.slots.flatMap((s) => s.instances) ?? [];
    const own = needs.length ? 1 + Math.max(...needs.map((n) => depth(n, [...seen, name]))) : 0;
    found.set(name, own);
    return own;
  };
  for (const plugin of plugins) depth(plugin.name, []);
  return found;
}

function Wiring({ plugins }: { plugins: Instance[] }) {
  const depth = depths(plugins);
  const deepest = Math.max(0, ...depth.values());
  const columns = Array.from({ length: deepest + 1 }, (_, i) => plugins.filter((p) => depth.get(p.name) === deepest - i));
  const rows = Math.max(...columns.map((c) => c.length));
  const place = new Map<string, { x: number; y: number }>();
  columns.forEach((column, i) => column.forEach((p, j) => place.set(p.name, {
    x: BOX.margin + i * BOX.across,
    y: BOX.margin + ((rows - column.length) / 2 + j) * BOX.down,
  })));
  const wires = plugins.flatMap((p) => p.slots.flatMap((s) => s.instances.map((to) => ({ from: p.name, to, slot: s.slot }))));
  const width = 2 * BOX.margin + deepest * BOX.across + BOX.width;
  const height = 2 * BOX.margin + (rows - 1) * BOX.down + BOX.height;
  return (
    <div class="scroll wiring" tabIndex={0} role="region" aria-label="Wiring">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img"
        aria-label="Plugins, each with lines to those that it uses; the table below says the same">
        {wires.map(({ from, to, slot }) => {
          const a = place.get(from)!;
          const b = place.get(to);
          if (!b) return null;
          const [x1, y1, x2, y2] = [a.x + BOX.width, a.y + BOX.height / 2, b.x, b.y + BOX.height / 2];
          const bend = Math.min(80, (x2 - x1) / 2);
          return (
            <path class="wire" d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}>
              <title>{`${from} uses ${to} as its ${slot}`}</title>
            </path>
          );
        })}
        {plugins.map((p) => {
          const { x, y } = place.get(p.name)!;
          return (
            <g class={`node ${p.state}`}>
              <rect x={x} y={y} width={BOX.width} height={BOX.height} rx="9" />
              <circle cx={x + 15} cy={y + 18} r="4" />
              <text class="name" x={x + 26} y={y + 22}>{p.name}</text>
              <text class="library" x={x + 26} y={y + 37}>{p.library || p.id}</text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function Row({ plugin: p }: { plugin: Instance }) {
  const show = (event: Event, name: string) => {
    event.preventDefault();
    const row = document.getElementById(`plugin-${name}`);
    row?.scrollIntoView({ block: 'center' });
    row?.focus();
  };
  const configured = Object.keys(p.config ?? {}).length > 0;
  return (
    <tr id={`plugin-${p.name}`} tabIndex={-1}>
      <td><strong>{p.name}</strong></td>
      <td>{p.id} <small>{p.version}</small>
        {configured ? <details><summary>Configuration</summary><pre tabIndex={0} aria-label={`Configuration of ${p.name}`}>{JSON.stringify(p.config, null, 2)}</pre></details> : null}</td>
      <td><span class={`state ${p.state}`}>{p.state}</span>{p.reason ? <><br /><small>{p.reason}</small></> : null}</td>
      <td>{p.provides?.map((i) => <div class="code">{i}</div>)}</td>
      <td>{p.slots?.map((s) => (
        <div>{s.slot} <span aria-hidden="true">→</span> {s.instances?.length ? s.instances.map((i) => (
          <a class="code" href={`#/plugins`} onClick={(e) => show(e, i)}>{i} </a>
        )) : <em>nothing</em>}</div>
      ))}</td>
    </tr>
  );
}

export function PluginsPage() {
  const [found, error] = useLoad(() => get<{ plugins: Instance[] }>('/plugins'), []);
  return (
    <>
      <header class="page-head">
        <h1>Plugins</h1>
        {found ? <p class="badge">{found.plugins.filter((p) => p.state === 'started').length} of {found.plugins.length} started</p> : null}
      </header>
      <Failure error={error} />
      {found ? <Wiring plugins={found.plugins} /> : null}
      <div class="scroll" tabIndex={0} role="region" aria-label="Plugins">
        <table>
          <thead><tr><th>Instance</th><th>Library</th><th>State</th><th>Provides</th><th>Uses</th></tr></thead>
          <tbody>{found?.plugins.map((p) => <Row key={p.name} plugin={p} />)}</tbody>
        </table>
      </div>
    </>
  );
}
