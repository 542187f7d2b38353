// The JSON editor proper: CodeMirror, loaded when the first editor opens. Its style elements carry
// the page's nonce; its colours are the page's own.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { linter } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import { EditorView, drawSelection, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--second)' },
  { tag: tags.invalid, color: 'var(--danger)' },
]);

const look = EditorView.theme({
  '&': { background: 'var(--card)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '7px', fontSize: '.9em' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '2px' },
  '.cm-scroller': { fontFamily: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace", lineHeight: '1.5', borderRadius: '7px' },
  '.cm-gutters': { background: 'var(--code)', color: 'var(--muted)', border: 'none' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
    { background: 'color-mix(in srgb, var(--accent) 28%, transparent)' },
  '&.cm-focused .cm-matchingBracket': { background: 'color-mix(in srgb, var(--accent) 22%, transparent)' },
  '.cm-tooltip': { background: 'var(--card)', color: 'var(--text)', border: '1px solid var(--line)' },
});

/**
 * Text typed over a selection. Left to the browser, what joins of two lines would get the looks of
 * the first in a style attribute, which the page's policy forbids.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== 'insertText' || event.data === null || view.composing || view.state.readOnly) return false;
  // The page's selection: Chromium names no target ranges here, and the view may not have seen the last keys yet.
  const selection = document.getSelection();
  if (!selection?.rangeCount || !view.contentDOM.contains(selection.anchorNode)) return false;
  const range = selection.getRangeAt(0);
  const from = view.posAtDOM(range.startContainer, range.startOffset);
  const to = view.posAtDOM(range.endContainer, range.endOffset);
  if (from >= to) return false;
  event.preventDefault();
  view.dispatch({
    changes: { from, to, insert: event.data }, selection: { anchor: from + event.data.length },
    userEvent: 'input.type', scrollIntoView: true });
  return true;
}

export interface CodeOptions {
  label: string;
  text: string;
  selection: { from: number; to: number };
  rows: number;
  onChange: (text: string) => void;
  onRun: () => void;
}

export interface Code {
  setText(text: string): void;
  setReadOnly(value: boolean): void;
  focus(): void;
  destroy(): void;
}

export function createCode(parent: HTMLElement, options: CodeOptions): Code {
  const readOnly = new Compartment();
  const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
  const height = `${options.rows * 1.45}em`;
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: options.text,
      selection: { anchor: options.selection.from, head: options.selection.to },
      extensions: [
        EditorView.cspNonce.of(nonce), look, syntaxHighlighting(colours), json(), bracketMatching(), indentOnInput(),
        linter((v) => (v.state.doc.length ? jsonParseLinter()(v) : [])), lineNumbers(), drawSelection(), history(),
        EditorView.lineWrapping, EditorState.tabSize.of(2), readOnly.of([]),
        EditorView.theme({ '&': { height }, '.cm-scroller': { overflow: 'auto' } }),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false', autocapitalize: 'off', tabindex: '0' }),
        EditorView.domEventHandlers({ beforeinput: typeOver }),
        // Before the default keys, of which one makes a new line of Ctrl+Enter. Tab leaves the editor.
        keymap.of([{ key: 'Mod-Enter', run: () => { options.onRun(); return true; } }, ...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((update) => { if (update.docChanged) options.onChange(update.state.doc.toString()); }),
      ],
    }),
  });
  return {
    setText(text) {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setReadOnly(value) {
      view.dispatch({ effects: readOnly.reconfigure(value ? EditorState.readOnly.of(true) : []) });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
