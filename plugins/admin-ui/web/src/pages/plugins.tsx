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

const usersOf = (plugins: Instance[], name: string) =>
  plugins.filter((p) => p.slots.some((s) => s.instances.includes(name)));

/**
 * The plugins in columns: first those that nobody uses, and each further one right of all its users,
 * so that no line has to pass a box. Within a column, each near its users.
 */
function arrange(plugins: Instance[]): Instance[][] {
  const columns: Instance[][] = [];
  const known = new Map<string, number>();
  const columnOf = (plugin: Instance, seen: string[]): number => {
    // The kernel refuses cycles; the page only must not hang if one were sent.
    if (known.has(plugin.name) || seen.includes(plugin.name)) return known.get(plugin.name) ?? 0;
    const column = 1 + Math.max(-1, ...usersOf(plugins, plugin.name).map((p) => columnOf(p, [...seen, plugin.name])));
    known.set(plugin.name, column);
    return column;
  };
  for (const plugin of plugins) (columns[columnOf(plugin, [])] ??= []).push(plugin);
  const found = Array.from(columns, (column) => column ?? []);
  for (let i = 1; i < found.length; i++) {
    const rows = found[i - 1].map((p) => p.name);
    const middle = (p: Instance) => {
      const at = usersOf(plugins, p.name).map((u) => rows.indexOf(u.name)).filter((row) => row >= 0);
      return at.reduce((sum, row) => sum + row, 0) / (at.length || 1);
    };
    found[i].sort((a, b) => middle(a) - middle(b));
  }
  return found;
}

function Wiring({ plugins }: { plugins: Instance[] }) {
  const columns = arrange(plugins);
  const rows = Math.max(...columns.map((c) => c.length));
  const place = new Map<string, { x: number; y: number }>();
  columns.forEach((column, i) => column.forEach((p, j) => place.set(p.name, {
    x: BOX.margin + i * BOX.across,
    y: BOX.margin + ((rows - column.length) / 2 + j) * BOX.down,
  })));
  const wires = plugins.flatMap((p) => p.slots.flatMap((s) => s.instances.map((to) => ({ from: p.name, to, slot: s.slot }))));
  const width = 2 * BOX.margin + (columns.length - 1) * BOX.across + BOX.width;
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
