// A console for aggregation pipelines.
import { useState } from 'preact/hooks';
import { type Doc, post, segment } from '../api';
import { Failure, JsonEditor, counted } from '../ui';

const EXAMPLE = '[\n  {"$match": {}},\n  {"$group": {"_id": null, "count": {"$sum": 1}}}\n]';
// A result longer than this is cut: the page must stay usable.
const SHOWN_CHARACTERS_MAX = 256 * 1024;

export function AggregatePanel({ name }: { name: string }) {
  const [text, setText] = useState(EXAMPLE);
  const [answer, setAnswer] = useState<{ results: Doc[]; count: number; took_ms?: number }>();
  const [error, setError] = useState<unknown>();
  const run = async () => {
    try {
      setAnswer(await post(`/collections/${segment(name)}/aggregate`, { pipeline: JSON.parse(text) }));
      setError(undefined);
    } catch (e) {
      setError(e);
      setAnswer(undefined);
    }
  };
  const shown = answer ? JSON.stringify(answer.results, null, 2) : '';
  return (
    <div class="console">
      <JsonEditor label="Pipeline" rows={10} value={text} onChange={setText} onRun={run} />
      <button type="button" class="primary" onClick={run}>Run</button>
      <Failure error={error} />
      {answer ? (
        <>
          <p role="status">{counted(answer.count, 'result')}{answer.took_ms !== undefined ? ` in ${answer.took_ms.toFixed(1)} ms` : ''}</p>
          <pre tabIndex={0} aria-label="Results">{shown.slice(0, SHOWN_CHARACTERS_MAX)}{shown.length > SHOWN_CHARACTERS_MAX ? '\n… cut here' : ''}</pre>
        </>
      ) : null}
    </div>
  );
}
