import { ChevronDown, ChevronRight, GripVertical, TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { DragEvent, KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { move } from '../../network/edit.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { binary, prefixed } from '../format.ts';
import { useActions } from './actions.ts';
import { digest, kindOf } from './layers.ts';
import { isSame, landing, rowsOf } from './rows.ts';
import type { Row, Summary } from './rows.ts';
import { useBoard } from './store.ts';
import type { Selection } from './store.ts';
import { useLayerWords } from './words.ts';

const NONE = '–';

/** Where what is dragged would land. */
interface Target {
  row: Row;
  half: 'upper' | 'lower';
}

/** Whether a row is in the selection. */
function isSelected({ kind, address }: Row, selection: Selection | null): boolean {
  if (kind !== 'layer' || !selection) return false;
  const { address: first, count } = selection;
  const [at, start] = [address.at(-1), first.at(-1)];
  return (
    isSame(address.slice(0, -1), first.slice(0, -1)) &&
    typeof at === 'number' &&
    typeof start === 'number' &&
    at >= start &&
    at < start + count
  );
}

/** The network as a list, with what there is to know beside every layer. */
export function Tree({ facts }: { facts: NetworkFacts }) {
  const { t } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const folded = useBoard((board) => board.folded);
  const selection = useBoard((board) => board.selection);
  const select = useBoard((board) => board.select);
  const fold = useBoard((board) => board.fold);
  const edit = useBoard((board) => board.edit);
  const actions = useActions();
  const rows = useMemo(() => rowsOf(spec.layers, facts, folded), [spec.layers, facts, folded]);
  const [dragged, setDragged] = useState<Row | null>(null);
  const [target, setTarget] = useState<Target | null>(null);
  const body = useRef<HTMLDivElement>(null);
  const focused = useRef(false);
  const at = rows.findIndex((row) => isSelected(row, selection));

  // The focus follows the selection, once it is in the list; it may have gone with a row that went.
  useEffect(() => {
    const list = body.current;
    const { activeElement } = document;
    const lost = focused.current && activeElement === document.body;
    if (!list || !(lost || list.contains(activeElement))) return;
    list.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }, [selection, rows]);

  const walk = (direction: 1 | -1) => {
    for (let i = at + direction; i >= 0 && i < rows.length; i += direction) {
      const row = rows[i];
      if (row?.kind === 'layer') return select({ address: row.address, count: 1 });
    }
    if (direction === -1) select(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    const { key, altKey, shiftKey, ctrlKey, metaKey } = event;
    const command = ctrlKey || metaKey;
    const handle = () => {
      if (key === 'ArrowDown' || key === 'ArrowUp') {
        const direction = key === 'ArrowDown' ? 1 : -1;
        if (altKey) actions.shift(direction);
        else if (shiftKey) actions.extend(direction);
        else walk(direction);
      } else if (key === 'ArrowLeft' && altKey) actions.leave();
      else if (key === 'ArrowRight' && altKey) actions.enter();
      else if (key === 'ArrowRight' && row?.folded) fold(row.path, false);
      else if (key === 'ArrowLeft' && row?.folded === false) fold(row.path, true);
      else if (key === 'ArrowLeft' && selection) actions.selectParent();
      else if (key === 'Delete' || key === 'Backspace') actions.remove();
      else if (command && key.toLowerCase() === 'd') actions.duplicate();
      else if (command && key.toLowerCase() === 'g') actions.wrap();
      else return false;
      return true;
    };
    if (handle()) event.preventDefault();
  };
  const drop = () => {
    if (dragged && target) {
      const to = landing(target.row, target.half);
      // A layer of the selection takes the others along.
      const { address, count } =
        selection && isSelected(dragged, selection)
          ? selection
          : { address: dragged.address, count: 1 };
      edit(move(spec, address, to, count), null);
    }
    setDragged(null);
    setTarget(null);
  };
  const over = (row: Row) => (event: DragEvent<HTMLElement>) => {
    if (!dragged) return;
    event.preventDefault();
    const { top, height } = event.currentTarget.getBoundingClientRect();
    const half = event.clientY < top + height / 2 ? 'upper' : 'lower';
    if (target?.row !== row || target.half !== half) setTarget({ row, half });
  };

  return (
    <div className="build-tree" role="treegrid" aria-label={t('tree.label')} aria-multiselectable>
      <div role="row" className="build-row build-head">
        <span role="columnheader">{t('tree.layer')}</span>
        <span role="columnheader">{t('tree.shape')}</span>
        <span role="columnheader">{t('tree.parameters')}</span>
        <span role="columnheader">{t('tree.flops')}</span>
        <span role="columnheader">{t('tree.bytes')}</span>
        <span role="columnheader">{t('tree.field')}</span>
      </div>
      <div
        ref={body}
        role="rowgroup"
        className="build-rows"
        onKeyDown={onKeyDown}
        onFocus={() => {
          focused.current = true;
        }}
        onBlur={({ relatedTarget }) => {
          if (relatedTarget) focused.current = false;
        }}
      >
        <InputRow />
        {rows.map((row) => (
          <LayerRow
            key={`${row.kind} ${row.path}`}
            row={row}
            selected={isSelected(row, selection)}
            reachable={rows[at] === row}
            landing={target?.row === row ? target.half : null}
            onDrag={(on) => setDragged(on ? row : null)}
            onOver={over(row)}
            onDrop={drop}
          />
        ))}
        <OutputRow facts={facts} />
      </div>
    </div>
  );
}

function InputRow() {
  const { t } = useTranslation('build');
  const input = useBoard((board) => board.spec.input);
  const selected = useBoard((board) => board.selection === null);
  const select = useBoard((board) => board.select);
  return (
    <div
      role="row"
      className="build-row"
      aria-level={1}
      aria-selected={selected}
      tabIndex={selected ? 0 : -1}
      onClick={() => select(null)}
    >
      <span role="gridcell" className="build-name">
        <i className="build-swatch" data-kind="input" />
        <b>{t('tree.input')}</b>
      </span>
      <span role="gridcell">
        {input.channels}×{input.height}×{input.width}
      </span>
    </div>
  );
}

function OutputRow({ facts }: { facts: NetworkFacts }) {
  const { t } = useTranslation('build');
  const words = useLayerWords();
  const classes = useBoard((board) => board.spec.classes);
  const fault = facts.faults.get('');
  return (
    <div role="row" className="build-row build-end" aria-level={1}>
      <span role="gridcell" className="build-name">
        <i className="build-swatch" data-kind="input" />
        <b>{t('tree.output')}</b>
      </span>
      <span role="gridcell">{t('tree.classes', { count: classes })}</span>
      {fault && <Fault>{words.fault(fault)}</Fault>}
    </div>
  );
}

interface LayerRowProps {
  row: Row;
  selected: boolean;
  /** Whether Tab leads to it. */
  reachable: boolean;
  landing: 'upper' | 'lower' | null;
  onDrag: (on: boolean) => void;
  onOver: (event: DragEvent<HTMLElement>) => void;
  onDrop: () => void;
}

function LayerRow(props: LayerRowProps) {
  const { row, selected, reachable, landing, onDrag, onOver, onDrop } = props;
  const { t } = useTranslation('build');
  const words = useLayerWords();
  const select = useBoard((board) => board.select);
  const fold = useBoard((board) => board.fold);
  const actions = useActions();
  const { kind, layer, path, address, level, summary, fault, folded, hiddenFaults } = row;
  const pick = (extend: boolean) =>
    extend ? actions.extendTo(address) : select({ address, count: 1 });
  const indent = { paddingInlineStart: 6 + 14 * level };

  if (kind === 'empty') {
    return (
      <div
        role="row"
        className="build-row build-note"
        data-landing={landing && 'inside'}
        onDragOver={onOver}
        onDrop={onDrop}
      >
        <span role="gridcell" style={indent}>
          {t('tree.empty')}
        </span>
      </div>
    );
  }
  if (kind === 'sum' && layer?.type === 'residual') {
    return (
      <div
        role="row"
        className="build-row build-note"
        data-landing={landing}
        onDragOver={onOver}
        onDrop={onDrop}
      >
        <span role="gridcell" style={indent}>
          {layer.connected ? t(`tree.sum.${layer.shortcut}`) : t('tree.sum.cut')}
        </span>
        {fault && <Fault>{words.fault(fault)}</Fault>}
      </div>
    );
  }
  if (!layer) return null;
  return (
    <div
      role="row"
      className="build-row"
      aria-level={level + 1}
      aria-selected={selected}
      aria-expanded={folded === null ? undefined : !folded}
      aria-label={path}
      data-landing={landing}
      data-faulty={fault !== null || undefined}
      tabIndex={reachable ? 0 : -1}
      draggable
      onClick={(event) => pick(event.shiftKey)}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = 'move';
        event.dataTransfer.setData('text/plain', path);
        onDrag(true);
      }}
      onDragEnd={() => onDrag(false)}
      onDragOver={onOver}
      onDrop={onDrop}
    >
      <span role="gridcell" className="build-name" style={indent}>
        <GripVertical aria-hidden size={13} className="build-grip" />
        {folded === null ? (
          <i className="build-swatch" data-kind={kindOf(layer.type)} />
        ) : (
          <button
            type="button"
            className="build-fold"
            tabIndex={-1}
            aria-label={t(folded ? 'tree.unfold' : 'tree.fold', { path })}
            onClick={(event) => {
              event.stopPropagation();
              fold(path, !folded);
            }}
          >
            {folded ? (
              <ChevronRight aria-hidden size={14} />
            ) : (
              <ChevronDown aria-hidden size={14} />
            )}
          </button>
        )}
        <b>{layer.name}</b>
        <span className="build-what">
          {[digest(layer), words.title(layer.type)].filter((text) => text !== '').join(' · ')}
          {folded && layer.type === 'stage' && t('tree.holds', { count: layer.layers.length })}
          {folded && layer.type === 'residual' && t('tree.holds', { count: layer.body.length })}
        </span>
      </span>
      <Numbers summary={summary} faulty={fault !== null} />
      {fault && <Fault>{words.fault(fault)}</Fault>}
      {hiddenFaults > 0 && <Fault>{t('tree.hiddenFaults', { count: hiddenFaults })}</Fault>}
    </div>
  );
}

function Numbers({ summary, faulty }: { summary: Summary | null; faulty: boolean }) {
  const { t, i18n } = useTranslation('build');
  if (!summary || faulty) return <span role="gridcell">{NONE}</span>;
  const { shape, parameters, flops, bytes, field } = summary;
  return (
    <>
      <span role="gridcell">{shape.join('×')}</span>
      <span role="gridcell" data-label={t('tree.parameters')}>
        {parameters === 0 ? NONE : prefixed(parameters)}
      </span>
      <span role="gridcell" data-label={t('tree.flops')}>
        {flops === 0 ? NONE : prefixed(flops)}
      </span>
      <span role="gridcell" data-label={t('tree.bytes')}>
        {binary(bytes, i18n.language)}
      </span>
      <span role="gridcell" data-label={t('tree.field')}>
        {field[0] === field[1] ? field[0] : field.join('×')}
      </span>
    </>
  );
}

/** What does not fit, in words, under its layer. */
function Fault({ children }: { children: ReactNode }) {
  return (
    <span role="gridcell" className="build-fault">
      <TriangleAlert aria-hidden size={14} /> {children}
    </span>
  );
}
