import { X } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FathomError } from '../../errors.ts';
import { factsOf } from '../../network/facts.ts';
import { parseNetwork } from '../../network/file.ts';
import { template } from '../../network/templates.ts';
import type { NetworkSpec } from '../../network/spec.ts';
import { useLabStore } from '../context.ts';
import { binary, prefixed } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { replaceRoute } from '../route.ts';
import type { LabState } from '../store.ts';
import { useActions } from './actions.ts';
import { fromText, selected, toText } from './clipboard.ts';
import { draft, keepDraft, networkIn, queryOf } from './draft.ts';
import { Drawing } from './Drawing.tsx';
import { Form } from './Form.tsx';
import { saveJson, savePng, saveSvg } from './save.ts';
import { openBoard, useBoard } from './store.ts';
import { LayerBar, Toolbar } from './Toolbar.tsx';
import { Totals } from './Totals.tsx';
import { Tree } from './Tree.tsx';
import en from './en.json';
import zh from './zh.json';
import './build.css';

export const texts = { en, zh };

/** The link and the draft follow the network once it has rested for so long. */
const REST_MS = 300;

/** What lies on the board at first: a small residual network for the images of the experiment. */
function firstNetwork({ draft: config, datasets }: LabState): NetworkSpec {
  const { channels = 3, classes } = datasets[config.data] ?? {};
  const input = { channels, height: config.size, width: config.size };
  const made = template('residual_20', { input, classes: classes?.length ?? 10 });
  return { ...made, name: 'my-residual-20' };
}

/** An error in the reader's language; one that was not expected goes on. */
function sentenceOf(error: unknown): string {
  if (error instanceof FathomError) return errorSentence(error);
  throw error;
}

/** Build a network by hand, and see what every layer is and costs. */
export default function BuildPage({ query }: { query: string }) {
  const lab = useLabStore();
  const [board] = useState(() => openBoard(() => draft() ?? firstNetwork(lab.getState())));
  /** What the address holds as this page wrote or read it. */
  const known = useRef<string | null>(null);

  // A link that is opened, or pasted over this one, brings its network.
  useEffect(() => {
    if (query === known.current) return;
    known.current = query;
    try {
      const linked = networkIn(query);
      const { spec, open, tell } = board.getState();
      if (!linked) {
        known.current = queryOf(spec);
        replaceRoute({ page: 'build', query: known.current });
      } else if (JSON.stringify(linked) !== JSON.stringify(spec)) open(linked);
      tell(null);
    } catch (error) {
      board.getState().tell(sentenceOf(error));
    }
  }, [board, query]);

  useEffect(() => {
    let resting: ReturnType<typeof setTimeout> | undefined;
    const write = () => {
      clearTimeout(resting);
      resting = undefined;
      const { spec } = board.getState();
      keepDraft(spec);
      known.current = queryOf(spec);
      replaceRoute({ page: 'build', query: known.current });
    };
    const stop = board.subscribe((now, before) => {
      if (now.spec === before.spec) return;
      clearTimeout(resting);
      resting = setTimeout(write, REST_MS);
    });
    return () => {
      stop();
      if (resting === undefined) return;
      clearTimeout(resting);
      keepDraft(board.getState().spec);
    };
  }, [board]);

  return <Workbench />;
}

function Workbench() {
  const { t, i18n } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const open = useBoard((board) => board.open);
  const undo = useBoard((board) => board.undo);
  const redo = useBoard((board) => board.redo);
  const selection = useBoard((board) => board.selection);
  const notice = useBoard((board) => board.notice);
  const tell = useBoard((board) => board.tell);
  const actions = useActions();
  const facts = useMemo(() => factsOf(spec), [spec]);
  const faults = facts.faults.size;
  const svg = useRef<SVGSVGElement>(null);
  const caption = t('drawing.caption', {
    parameters: prefixed(facts.parameters),
    flops: prefixed(facts.flops),
    bytes: binary(facts.bytes, i18n.language),
  });

  const openFile = async (file: File) => {
    try {
      open(parseNetwork(await file.text()));
      tell(null);
    } catch (error) {
      tell(`${file.name}: ${sentenceOf(error)}`);
    }
  };
  const save = (format: 'json' | 'svg' | 'png') => {
    if (format === 'json') saveJson(spec);
    else if (svg.current && format === 'svg') saveSvg(svg.current, spec);
    else if (svg.current) void savePng(svg.current, spec);
  };
  const pasteText = useCallback(
    (text: string) => {
      try {
        actions.paste(fromText(text));
        tell(null);
      } catch (error) {
        tell(sentenceOf(error));
      }
    },
    [actions, tell],
  );
  const copy = useCallback(() => toText(selected(spec, selection)), [spec, selection]);

  // The clipboard of the browser and its keys, wherever the focus is but in a field.
  useEffect(() => {
    const isField = () =>
      document.activeElement?.matches('input, textarea, select, [contenteditable]') ?? false;
    const onCopy = (event: ClipboardEvent) => {
      if (isField() || !selection || document.getSelection()?.toString()) return;
      event.clipboardData?.setData('text/plain', copy());
      event.preventDefault();
      if (event.type === 'cut') actions.remove();
    };
    const onPaste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain');
      if (isField() || !text) return;
      event.preventDefault();
      pasteText(text);
    };
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || isField()) return;
      const key = event.key.toLowerCase();
      if (key === 'z' && !event.shiftKey) undo();
      else if (key === 'y' || key === 'z') redo();
      else return;
      event.preventDefault();
    };
    document.addEventListener('copy', onCopy);
    document.addEventListener('cut', onCopy);
    document.addEventListener('paste', onPaste);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('copy', onCopy);
      document.removeEventListener('cut', onCopy);
      document.removeEventListener('paste', onPaste);
      document.removeEventListener('keydown', onKey);
    };
  }, [selection, copy, actions, pasteText, undo, redo]);

  return (
    <main className="build">
      <Toolbar facts={facts} onOpenFile={(file) => void openFile(file)} onSave={save} />
      {notice !== null && (
        <div className="build-notice" role="alert">
          <p>{notice}</p>
          <button
            type="button"
            className="icon-button"
            aria-label={t('dismiss')}
            onClick={() => tell(null)}
          >
            <X aria-hidden size={16} />
          </button>
        </div>
      )}
      <section className="build-list" aria-label={t('tree.label')}>
        <LayerBar
          onCopy={() => void navigator.clipboard.writeText(copy())}
          onPaste={() =>
            void navigator.clipboard.readText().then(pasteText, () => tell(t('bar.pasteKeys')))
          }
        />
        <Tree facts={facts} />
      </section>
      <section className="build-view" aria-label={t('drawing.title')}>
        <div className="build-canvas" tabIndex={0}>
          <Drawing facts={facts} caption={caption} svg={svg} />
        </div>
        <p className="build-state" data-faulty={faults > 0 || undefined} role="status">
          {faults > 0 ? t('totals.faults', { count: faults }) : t('totals.fits')}
        </p>
        <Totals facts={facts} />
      </section>
      <Form />
    </main>
  );
}
