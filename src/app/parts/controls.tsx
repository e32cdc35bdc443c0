/**
 * Small controls that the parts of the page share.
 */
import { Info, Minus, Plus } from 'lucide-react';
import { ToggleGroup, Tooltip } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { ComponentProps, ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkStyle } from '../palette.ts';

/** How long a field says what it could not take. */
const REFUSED_MS = 5000;

/** Shows `text` while the pointer or the focus rests on `children`. */
export function Tip({ text, children }: { text: ReactNode; children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <TipContent>{text}</TipContent>
    </Tooltip.Root>
  );
}

function TipContent({ children }: { children: ReactNode }) {
  return (
    <Tooltip.Portal>
      <Tooltip.Content className="tip" sideOffset={6} collisionPadding={8}>
        {children}
        <Tooltip.Arrow className="tip-arrow" />
      </Tooltip.Content>
    </Tooltip.Portal>
  );
}

/** An “i” that explains; unlike a plain tooltip it also opens by tap. */
export function InfoTip({ label, text }: { label: string; text: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <Tooltip.Root open={open} onOpenChange={setOpen}>
      <Tooltip.Trigger asChild>
        <button
          type="button"
          className="info"
          aria-label={label}
          onPointerDown={(event) => event.preventDefault()}
          onClick={(event) => {
            event.preventDefault();
            setOpen(true);
          }}
        >
          <Info aria-hidden size={14} />
        </button>
      </Tooltip.Trigger>
      <TipContent>{text}</TipContent>
    </Tooltip.Root>
  );
}

/** A button that is an icon; its name is its tooltip. */
export function IconButton({
  name,
  children,
  ...rest
}: { name: string } & Omit<ComponentProps<'button'>, 'name'>) {
  return (
    <Tip text={name}>
      <button type="button" className="icon-button" aria-label={name} {...rest}>
        {children}
      </button>
    </Tip>
  );
}

/** One of a few, all of them visible. */
export function Segmented<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  /** `refused` says why an option cannot be chosen. */
  options: readonly { value: T; name: string; content?: ReactNode; refused?: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <ToggleGroup.Root
      type="single"
      className="segmented"
      aria-label={label}
      value={value}
      onValueChange={(next) => {
        const option = options.find((candidate) => candidate.value === next);
        if (option) onChange(option.value);
      }}
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          disabled={option.refused !== undefined && option.value !== value}
          aria-label={[option.name, option.refused].filter(Boolean).join(': ')}
          title={option.refused}
        >
          {option.content ?? option.name}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}

/** One of more options than stand side by side. */
export function Choice<T extends string>({
  id,
  description,
  label,
  value,
  options,
  onChange,
}: {
  id: string;
  description: string;
  /** Where no `<label>` names it. */
  label?: string;
  value: T;
  options: readonly { value: T; name: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <select
      id={id}
      className="choice"
      aria-description={description}
      aria-label={label}
      value={value}
      onChange={(event) => {
        const option = options.find((candidate) => candidate.value === event.target.value);
        if (option) onChange(option.value);
      }}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.name}
        </option>
      ))}
    </select>
  );
}

interface NumberFieldProps {
  id?: string;
  label: string;
  description?: string;
  value: number;
  min: number;
  max: number;
  /** The nearest value that may be entered. */
  nearest: (typed: number) => number;
  /** The value one click away. */
  step: (direction: 1 | -1) => number;
  onChange: (value: number) => void;
}

/**
 * A number that cannot be out of range: what is typed counts on Enter or on leaving, and is mended if it must be. A
 * number half typed (the 0 of 0.003) never counts.
 */
export function NumberField(props: NumberFieldProps) {
  const { id, label, description, value, min, max, nearest, step, onChange } = props;
  const { t } = useTranslation();
  const [text, setText] = useState<string | null>(null);
  /** What was typed and could not be set. */
  const [refused, setRefused] = useState<string | null>(null);

  const commit = (next: number) => {
    if (next !== value) onChange(next);
  };
  const type = (typed: string) => {
    if (!/^[\d.eE+-]*$/.test(typed)) return;
    setText(typed);
    setRefused(null);
  };
  const leave = () => {
    if (text !== null && text !== '') {
      const allowed = nearest(Number(text));
      if (allowed !== Number(text)) setRefused(text);
      commit(allowed);
    }
    setText(null);
  };
  useEffect(() => {
    if (refused === null) return;
    const timer = setTimeout(() => setRefused(null), REFUSED_MS);
    return () => clearTimeout(timer);
  }, [refused]);
  const move = (direction: 1 | -1) => {
    setText(null);
    setRefused(null);
    commit(step(direction));
  };

  return (
    <div className="number">
      <button
        type="button"
        tabIndex={-1}
        aria-label={t('settings.less', { name: label })}
        disabled={value <= min}
        onClick={() => move(-1)}
      >
        <Minus aria-hidden size={14} />
      </button>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        role="spinbutton"
        aria-label={label}
        aria-description={description}
        aria-valuenow={value}
        aria-valuemin={min}
        aria-valuemax={max}
        value={text ?? String(value)}
        onChange={(event) => type(event.target.value)}
        onBlur={leave}
        onKeyDown={(event) => {
          if (event.key === 'Enter') leave();
          else if (event.key === 'Escape') setText(null);
          else if (event.key === 'ArrowUp') move(1);
          else if (event.key === 'ArrowDown') move(-1);
          else return;
          event.preventDefault();
        }}
      />
      <button
        type="button"
        tabIndex={-1}
        aria-label={t('settings.more', { name: label })}
        disabled={value >= max}
        onClick={() => move(1)}
      >
        <Plus aria-hidden size={14} />
      </button>
      <output className="refused">
        {refused !== null && t('settings.refused', { typed: refused, value })}
      </output>
    </div>
  );
}

/** How a network's curves are drawn: thin dashes for training, bold with marker for test. */
export function CurveKey({ style }: { style: NetworkStyle }) {
  return (
    <svg className="curve-key" viewBox="0 0 34 16" width="34" height="16" aria-hidden>
      <line x1="1" x2="33" y1="8" y2="8" stroke={style.color} strokeWidth="3" />
      <MarkerShape style={style} x={17} y={8} />
    </svg>
  );
}

const POINTS = {
  circle: '',
  square: '-5,-5 5,-5 5,5 -5,5',
  'triangle-up': '0,-6 6,5 -6,5',
  diamond: '0,-6.5 6.5,0 0,6.5 -6.5,0',
  'triangle-down': '0,6 6,-5 -6,-5',
  star: '0,-7 1.8,-2.4 6.7,-2.2 2.9,0.9 4.1,5.7 0,3 -4.1,5.7 -2.9,0.9 -6.7,-2.2 -1.8,-2.4',
} as const;

function MarkerShape({ style, x, y }: { style: NetworkStyle; x: number; y: number }) {
  const paint = {
    fill: style.solid ? style.color : 'var(--paper)',
    stroke: style.color,
    strokeWidth: 2,
  };
  const { symbol } = style.shape;
  return (
    <g transform={`translate(${x} ${y})`}>
      {symbol === 'circle' ? (
        <circle r="5" {...paint} />
      ) : (
        <polygon points={POINTS[symbol]} {...paint} />
      )}
    </g>
  );
}
