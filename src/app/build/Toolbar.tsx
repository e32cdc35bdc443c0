import {
  ChevronDown,
  ChevronsDownUp,
  ChevronsUpDown,
  ClipboardPaste,
  Copy,
  CopyPlus,
  Download,
  FolderOpen,
  Group,
  Keyboard,
  Layers,
  Play,
  Plus,
  Redo2,
  Repeat2,
  Trash2,
  Undo2,
  Ungroup,
} from 'lucide-react';
import { DropdownMenu, Popover } from 'radix-ui';
import { useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LONGEST_NAME, MOST_NETWORKS, customName } from '../../lab/config.ts';
import { isBlock, layerAt } from '../../network/edit.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { checkTrainable } from '../../network/fit.ts';
import type { NetworkSpec } from '../../network/spec.ts';
import { TEMPLATE_IDS, template } from '../../network/templates.ts';
import { useLab, useLabStore } from '../context.ts';
import { formatLink } from '../link.ts';
import { IconButton, NumberField, Tip } from '../parts/controls.tsx';
import { useActions } from './actions.ts';
import { MENU, kindOf } from './layers.ts';
import type { LayerType } from './layers.ts';
import { useBoard } from './store.ts';
import { TextField } from './TextField.tsx';
import { useLayerWords } from './words.ts';

interface ToolbarProps {
  facts: NetworkFacts;
  onOpenFile: (file: File) => void;
  onSave: (format: 'json' | 'svg' | 'png') => void;
}

interface LayerBarProps {
  onCopy: () => void;
  onPaste: () => void;
}

/** What is done with the whole network, and what with the selected layers. */
export function Toolbar(props: ToolbarProps) {
  const { t } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const edit = useBoard((board) => board.edit);
  const undo = useBoard((board) => board.undo);
  const redo = useBoard((board) => board.redo);
  const canUndo = useBoard((board) => board.past.length > 0);
  const canRedo = useBoard((board) => board.future.length > 0);
  const file = useRef<HTMLInputElement>(null);
  const valid = spec.name === '' || customName.safeParse(spec.name).success;

  return (
    <div className="build-bar" role="toolbar" aria-label={t('bar.label')}>
      <Templates />
      <IconButton name={t('bar.undo')} disabled={!canUndo} onClick={undo}>
        <Undo2 aria-hidden size={17} />
      </IconButton>
      <IconButton name={t('bar.redo')} disabled={!canRedo} onClick={redo}>
        <Redo2 aria-hidden size={17} />
      </IconButton>
      <IconButton name={t('bar.open')} onClick={() => file.current?.click()}>
        <FolderOpen aria-hidden size={17} />
      </IconButton>
      <input
        ref={file}
        type="file"
        accept=".json,application/json"
        hidden
        onChange={(event) => {
          const [picked] = event.target.files ?? [];
          if (picked) props.onOpenFile(picked);
          event.target.value = '';
        }}
      />
      <Menu label={t('bar.save')} icon={<Download aria-hidden size={17} />}>
        {(['json', 'svg', 'png'] as const).map((format) => (
          <DropdownMenu.Item key={format} onSelect={() => props.onSave(format)}>
            {t(`bar.formats.${format}`)}
          </DropdownMenu.Item>
        ))}
      </Menu>
      <div className="build-title">
        <span aria-hidden>{t('bar.name')}</span>
        <TextField
          label={t('bar.title')}
          maxLength={LONGEST_NAME}
          placeholder={t('unnamed')}
          value={spec.name}
          refusal={(name) => (customName.safeParse(name).success ? null : t('bar.nameRule'))}
          onChange={(name) => edit({ ...spec, name })}
        />
      </div>
      <Train facts={props.facts} />
      {!valid && <p className="build-refused">{t('bar.nameRule')}</p>}
    </div>
  );
}

/** What is done with the selected layers. */
export function LayerBar({ onCopy, onPaste }: LayerBarProps) {
  const { t } = useTranslation('build');
  const actions = useActions();
  const spec = useBoard((board) => board.spec);
  const selection = useBoard((board) => board.selection);
  const foldAll = useBoard((board) => board.foldAll);
  const some = selection !== null;
  const one = selection?.count === 1 ? layerAt(spec, selection.address) : undefined;

  return (
    <div className="build-bar build-layer-bar" role="toolbar" aria-label={t('bar.layers')}>
      <AddMenu />
      <IconButton name={t('bar.duplicate')} disabled={!some} onClick={actions.duplicate}>
        <CopyPlus aria-hidden size={16} />
      </IconButton>
      <Repeat disabled={!some} />
      <IconButton name={t('bar.wrap')} disabled={!some} onClick={actions.wrap}>
        <Group aria-hidden size={16} />
      </IconButton>
      <IconButton name={t('bar.unwrap')} disabled={!isBlock(one)} onClick={actions.unwrap}>
        <Ungroup aria-hidden size={16} />
      </IconButton>
      <IconButton name={t('bar.copy')} disabled={!some} onClick={onCopy}>
        <Copy aria-hidden size={16} />
      </IconButton>
      <IconButton name={t('bar.paste')} onClick={onPaste}>
        <ClipboardPaste aria-hidden size={16} />
      </IconButton>
      <IconButton name={t('bar.remove')} disabled={!some} onClick={actions.remove}>
        <Trash2 aria-hidden size={16} />
      </IconButton>
      <span className="build-fold-all">
        <IconButton name={t('bar.foldAll')} onClick={() => foldAll(true)}>
          <ChevronsDownUp aria-hidden size={16} />
        </IconButton>
        <IconButton name={t('bar.unfoldAll')} onClick={() => foldAll(false)}>
          <ChevronsUpDown aria-hidden size={16} />
        </IconButton>
        <Keys />
      </span>
    </div>
  );
}

const KEYS = [
  ['↑ ↓', 'choose'],
  ['Shift ↑ ↓', 'extend'],
  ['← →', 'fold'],
  ['Alt ↑ ↓', 'shift'],
  ['Alt ←', 'leave'],
  ['Alt →', 'enter'],
  ['Ctrl D', 'duplicate'],
  ['Ctrl G', 'wrap'],
  ['Delete', 'remove'],
  ['Ctrl C  X  V', 'copy'],
  ['Ctrl Z  Y', 'undo'],
] as const;

/** What the keyboard does in the list. */
function Keys() {
  const { t } = useTranslation('build');
  return (
    <Popover.Root>
      <Tip text={t('keys.title')}>
        <Popover.Trigger className="icon-button" aria-label={t('keys.title')}>
          <Keyboard aria-hidden size={16} />
        </Popover.Trigger>
      </Tip>
      <Popover.Portal>
        <Popover.Content className="menu build-keys" sideOffset={4} align="end">
          <h3>{t('keys.title')}</h3>
          <dl>
            {KEYS.map(([keys, what]) => (
              <div key={what}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{t(`keys.${what}`)}</dd>
              </div>
            ))}
          </dl>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** More of them than this are no network to read. */
const MOST_TIMES = 100;

/** So many of the selected layers, one after the other. */
function Repeat({ disabled }: { disabled: boolean }) {
  const { t } = useTranslation('build');
  const { repeat } = useActions();
  const [times, setTimes] = useState(3);
  const bounded = (value: number) => Math.min(MOST_TIMES, Math.max(2, Math.round(value)));
  return (
    <Popover.Root>
      <Tip text={t('bar.repeat')}>
        <Popover.Trigger className="quiet" aria-label={t('bar.repeat')} disabled={disabled}>
          <Repeat2 aria-hidden size={16} />
          <ChevronDown aria-hidden size={13} />
        </Popover.Trigger>
      </Tip>
      <Popover.Portal>
        <Popover.Content className="menu build-repeat" sideOffset={4}>
          <span>{t('bar.times')}</span>
          <NumberField
            label={t('bar.times')}
            value={times}
            min={2}
            max={MOST_TIMES}
            nearest={(typed) => (Number.isFinite(typed) ? bounded(typed) : times)}
            step={(direction) => bounded(times + direction)}
            onChange={setTimes}
          />
          <Popover.Close className="primary" onClick={() => repeat(times)}>
            {t('bar.repeat')}
          </Popover.Close>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface MenuProps {
  label: string;
  icon: ReactNode;
  children: ReactNode;
}

function Menu({ label, icon, children }: MenuProps) {
  return (
    <DropdownMenu.Root>
      <Tip text={label}>
        <DropdownMenu.Trigger className="quiet" aria-label={label}>
          {icon}
          <ChevronDown aria-hidden size={13} />
        </DropdownMenu.Trigger>
      </Tip>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={4}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Networks to start from, made for the images on the board. */
function Templates() {
  const { t } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const open = useBoard((board) => board.open);
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className="build-templates">
        <Layers aria-hidden size={16} />
        {t('bar.templates')}
        <ChevronDown aria-hidden size={13} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu build-menu" align="start" sideOffset={4}>
          {TEMPLATE_IDS.map((id) => (
            <DropdownMenu.Item
              key={id}
              onSelect={() => open({ ...template(id, spec), name: nameOf(id) })}
            >
              <b>{t(`template.${id}.title`)}</b>
              <small>{t(`template.${id}.source`)}</small>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** A copy of a network of the family must not bear its name. */
const nameOf = (id: string): string =>
  id === 'empty' ? '' : id.replace(/^(plain|residual)_/, 'my-$1-').replaceAll('_', '-');

const BLOCKS: readonly LayerType[] = ['residual', 'stage'];

/** Every op that a network may name, by kind, with what it does. */
function AddMenu() {
  const { t } = useTranslation('build');
  const words = useLayerWords();
  const { add } = useActions();
  const item = (type: LayerType) => (
    <DropdownMenu.Item key={type} onSelect={() => add(type)}>
      <b>
        <i className="build-swatch" data-kind={kindOf(type)} />
        {words.title(type)}
      </b>
      <small>{words.sentence(type)}</small>
    </DropdownMenu.Item>
  );
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className="primary">
        <Plus aria-hidden size={16} />
        {t('bar.add')}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu build-menu" align="start" sideOffset={4}>
          {MENU.map(({ group, types }) => (
            <DropdownMenu.Group key={group}>
              <DropdownMenu.Label>{t(`kind.${group}`)}</DropdownMenu.Label>
              {types.map(item)}
            </DropdownMenu.Group>
          ))}
          <DropdownMenu.Group>
            <DropdownMenu.Label>{t('kind.block')}</DropdownMenu.Label>
            {BLOCKS.map(item)}
          </DropdownMenu.Group>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Whether a network can train: with its shortcuts connected it must fit as well. */
function isTrainable(spec: NetworkSpec): boolean {
  try {
    checkTrainable(spec);
    return true;
  } catch {
    return false;
  }
}

/** Puts the network into the experiment, which starts anew. */
function Train({ facts }: { facts: NetworkFacts }) {
  const { t } = useTranslation('build');
  const store = useLabStore();
  const spec = useBoard((board) => board.spec);
  const draft = useLab((state) => state.draft);
  const ready = useLab(({ device, unsupported }) => device !== null && !unsupported);
  const name = customName.safeParse(spec.name).success ? spec.name : null;
  const others = draft.networks.filter((id) => id !== name);
  const fits = facts.faults.size === 0 && isTrainable(spec);

  const train = (networks: readonly string[]) => {
    if (name === null) return;
    const { machine } = store.getState();
    const custom = { ...draft.custom, [name]: spec };
    store.getState().open(formatLink({ ...draft, custom, networks: [...networks, name] }, machine));
    store.getState().start();
    // As the store writes it: the address says nothing new, and nothing is opened twice.
    window.location.assign(formatLink(store.getState().draft, machine));
  };

  return (
    <DropdownMenu.Root>
      <Tip text={fits ? t('train.tip') : t('train.unfit')}>
        <DropdownMenu.Trigger
          className="primary build-train"
          disabled={!fits || !ready || name === null}
        >
          <Play aria-hidden size={16} />
          {t('train.button')}
          <ChevronDown aria-hidden size={13} />
        </DropdownMenu.Trigger>
      </Tip>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu build-menu" align="end" sideOffset={4}>
          <DropdownMenu.Item
            disabled={others.length >= MOST_NETWORKS}
            onSelect={() => train(others)}
          >
            <b>{t('train.beside')}</b>
            <small>{others.join(', ')}</small>
          </DropdownMenu.Item>
          <DropdownMenu.Item onSelect={() => train([])}>
            <b>{t('train.alone')}</b>
            <small>{t('train.aloneHint')}</small>
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
