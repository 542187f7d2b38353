// Small pieces that every page shares.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from './api';

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

/** Loads once and on demand: [value, error, reload, loading]. */
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
      (e) => { if (current) { setError(e); setLoading(false); } },
    );
    return () => { current = false; };
  }, [...deps, round]);
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
  return <div class="empty"><h3>{title}</h3><p>{children}</p></div>;
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
        <button type="button" class="plain" aria-label="Close" onClick={props.onClose}>✕</button>
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
        <button type="button" onClick={props.onClose}>Cancel</button>
        <button type="button" class="danger" onClick={props.onConfirm}>{props.action}</button>
      </footer>
    </Dialog>
  );
}

/** JSON as text, edited with a fixed font; says at once where it does not parse. */
export function JsonEditor(props: {
  label: string; value: string; rows?: number; onChange: (text: string) => void; onRun?: () => void;
}) {
  let fault = '';
  try {
    if (props.value.trim()) JSON.parse(props.value);
  } catch (error) {
    fault = (error as Error).message;
  }
  return (
    <label class="field editor">
      <span>{props.label}</span>
      <textarea rows={props.rows ?? 4} value={props.value} spellcheck={false} autocapitalize="off"
        aria-invalid={fault ? 'true' : 'false'}
        onInput={(e) => props.onChange(e.currentTarget.value)}
        onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); props.onRun?.(); } }} />
      <small class={fault ? 'fault' : 'hint'}>{fault || (props.onRun ? 'Ctrl+Enter runs it' : '\u00a0')}</small>
    </label>
  );
}

/** Cells show at most this many characters, so that a large document cannot stall the page. */
const CELL_CHARACTERS_MAX = 160;
export function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? '';
  return text.length > CELL_CHARACTERS_MAX ? text.slice(0, CELL_CHARACTERS_MAX) + '…' : text;
}

export const count = (n: number) => (Number.isFinite(n) ? n.toLocaleString('en') : '–');
export function bytes(n: number): string {
  if (!Number.isFinite(n)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  return `${n.toLocaleString('en', { maximumFractionDigits: unit ? 1 : 0 })} ${units[unit]}`;
}
