// Small pieces that every page shares.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem } from './api';
import type { Code } from './code';
import { reachable } from './session';

export function Failure({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = error instanceof Problem ? error : null;
  return (
    <p class="failure" role="alert">
      {error instanceof Error ? error.message : String(error)}
      {problem?.code ? <code>{problem.code}</code> : null}
    </p>
  );
}

/** Loads once, on demand, and when the server answers again: [value, error, reload, loading]. */
export function useLoad<T>(load: () => Promise<T>, deps: unknown[]): [T | undefined, unknown, () => void, boolean] {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<unknown>();
  const [loading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    setLoading(true);
    load().then(
      (v) => { if (current) { setValue(() => v); setError(undefined); setLoading(false); } },
      (e) => {
        // The banner tells that the server does not answer; what was shown stays.
        if (current && !(e instanceof Problem && e.status === 0)) { setError(e); setLoading(false); }
      },
    );
    return () => { current = false; };
  }, [...deps, round, reachable.value]);
  return [value, error, () => setRound((r) => r + 1), loading];
}

export function Field(props: { label: string; hint?: string; children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{props.label}{props.hint ? <small>{props.hint}</small> : null}</span>
      {props.children}
    </label>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return <div class="empty"><h2>{title}</h2><p>{children}</p></div>;
}

/** A modal that keeps the focus, closes on Escape, and gives the focus back. */
export function Dialog(props: { title: string; onClose: () => void; wide?: boolean; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={ref} class={props.wide ? 'wide' : ''} aria-label={props.title}
      onCancel={(e) => { e.preventDefault(); props.onClose(); }}>
      <header>
        <h2>{props.title}</h2>
        <button type="button" class="plain close" aria-label="Close" onClick={props.onClose}>✕</button>
      </header>
      {props.children}
    </dialog>
  );
}

export function Confirm(props: { title: string; text: string; action: string; onConfirm: () => void; onClose: () => void }) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <p>{props.text}</p>
      <footer>
        <button type="button" autofocus onClick={props.onClose}>Cancel</button>
        <button type="button" class="danger" onClick={props.onConfirm}>{props.action}</button>
      </footer>
    </Dialog>
  );
}

interface JsonEditorProps {
  label: string;
  value: string;
  rows?: number;
  autofocus?: boolean;
  loading?: boolean;
  onChange: (text: string) => void;
  /** What Ctrl+Enter does, and what it is called. */
  onRun?: () => void;
  runs?: string;
}

// A text longer than this stays in the plain field: colouring it would only slow it down.
const CODE_CHARACTERS_MAX = 1 << 20;

/** JSON as text; says at once where it does not parse. A plain field until the editor has loaded. */
export function JsonEditor(props: JsonEditorProps) {
  const rows = props.rows ?? 4;
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const code = useRef<Code>();
  const latest = useRef(props);
  latest.current = props;
  const [rich, setRich] = useState(false);
  useEffect(() => {
    let gone = false;
    void import('./code').then(({ createCode }) => {
      if (gone || latest.current.value.length > CODE_CHARACTERS_MAX) return;
      // Who is typing just now goes on where they were.
      const { value: text, selectionStart: from, selectionEnd: to } = field.current!;
      code.current = createCode(box.current!, {
        label: props.label, text, selection: { from, to }, rows,
        onChange: (changed) => { if (changed !== latest.current.value) latest.current.onChange(changed); },
        onRun: () => { if (!latest.current.loading) latest.current.onRun?.(); },
      });
      code.current.setReadOnly(latest.current.loading ?? false);
      if (document.activeElement === field.current) code.current.focus();
      setRich(true);
    }).catch(() => undefined);  // the plain field does everything that matters
    return () => { gone = true; code.current?.destroy(); code.current = undefined; };
  }, []);
  useLayoutEffect(() => code.current?.setText(props.value), [props.value]);
  useLayoutEffect(() => {
    code.current?.setReadOnly(props.loading ?? false);
    if (props.autofocus && !props.loading) code.current?.focus();
  }, [props.loading]);
  let fault = '';
  try {
    if (props.value.trim()) JSON.parse(props.value);
  } catch (error) {
    fault = (error as Error).message;
  }
  const hint = <small class={fault ? 'fault' : 'hint'}>{fault || (props.loading ? 'Loading…' : props.onRun ? `Ctrl+Enter ${props.runs ?? 'runs it'}` : '\u00a0')}</small>;
  return (
    <div class="field editor">
      <span aria-hidden="true">{props.label}</span>
      <div ref={box} class={rich ? 'rich' : ''} />
      {rich ? null : (
        <textarea ref={field} aria-label={props.label} rows={rows} value={props.value} spellcheck={false} autocapitalize="off"
          autofocus={props.autofocus} readOnly={props.loading} aria-invalid={fault ? 'true' : 'false'}
          onInput={(e) => props.onChange(e.currentTarget.value)}
          onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); if (!props.loading) props.onRun?.(); } }} />
      )}
      {hint}
    </div>
  );
}

/** Cells show at most this many characters, so that a large document cannot stall the page. */
const CELL_CHARACTERS_MAX = 160;
export function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? '';
  return text.length > CELL_CHARACTERS_MAX ? text.slice(0, CELL_CHARACTERS_MAX) + '…' : text;
}

/** A number with its noun: 1 document, 2 documents. */
export const counted = (n: number, noun: string) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** Seconds as people say them: the two largest units. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const parts: [number, string][] = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = Math.max(0, parts.findIndex(([size]) => seconds >= size));
  const shown = seconds < 1 ? parts.slice(3) : parts.slice(at, at + 2);
  let rest = Math.floor(seconds);
  return shown.map(([size, unit]) => { const n = Math.floor(rest / size); rest -= n * size; return `${n} ${unit}`; }).join(' ');
}

export function when(value: Date | null): string {
  return value ? value.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : '–';
}

export const count = (n: number) => (Number.isFinite(n) ? n.toLocaleString('en') : '–');
export function bytes(n: number): string {
  if (!Number.isFinite(n)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  return `${n.toLocaleString('en', { maximumFractionDigits: unit ? 1 : 0 })} ${units[unit]}`;
}
