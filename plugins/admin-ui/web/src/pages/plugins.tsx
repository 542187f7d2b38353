// What is loaded, and who is wired to whom.
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
  reason?: string;
}

export function PluginsPage() {
  const [found, error] = useLoad(() => get<{ plugins: Instance[] }>('/plugins'), []);
  return (
    <>
      <header class="page-head"><h1>Plugins</h1></header>
      <Failure error={error} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Plugins">
        <table>
          <thead><tr><th>Instance</th><th>Library</th><th>State</th><th>Provides</th><th>Uses</th></tr></thead>
          <tbody>
            {found?.plugins.map((p) => (
              <tr key={p.name} id={`plugin-${p.name}`}>
                <td><strong>{p.name}</strong></td>
                <td>{p.id}<br /><small>{p.version}</small></td>
                <td><span class={`state ${p.state}`}>{p.state}</span>{p.reason ? <><br /><small>{p.reason}</small></> : null}</td>
                <td>{p.provides?.map((i) => <div class="code">{i}</div>)}</td>
                <td>{p.slots?.map((s) => (
                  <div>{s.slot} <span aria-hidden="true">→</span> {s.instances?.length ? s.instances.map((i) => (
                    <a class="code" href="#/plugins" onClick={() => document.getElementById(`plugin-${i}`)?.scrollIntoView()}>{i} </a>
                  )) : <em>nothing</em>}</div>
                ))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
