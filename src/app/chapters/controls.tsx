/** Controls of the instruments, each of which a link can hide by its name. */
import { Dices } from 'lucide-react';
import { Slider } from 'radix-ui';
import type { ReactNode } from 'react';
import { IconButton, Segmented } from '../parts/controls.tsx';
import { useView } from './view.ts';

/** Whether a control is shown: not where the link hides it, or all `controls`. */
export function useOffered(name: string): boolean {
  const { hide } = useView();
  return !hide.includes(name) && !hide.includes('controls');
}

/** A labelled control; absent where it is hidden. */
export function Control(props: { name: string; label: string; children: ReactNode }) {
  const { name, label, children } = props;
  if (!useOffered(name)) return null;
  return (
    <div className="control">
      <span aria-hidden>{label}</span>
      {children}
    </div>
  );
}

/** Buttons that say themselves what they do; absent as {@link Control}. */
export function Buttons({ name, children }: { name: string; children: ReactNode }) {
  return useOffered(name) && <div className="control">{children}</div>;
}

interface RedrawProps {
  name: string;
  seed: number;
  onChange: (seed: number) => void;
}

/** A button that draws other random numbers. */
export function Redraw({ name, seed, onChange }: RedrawProps) {
  return (
    <IconButton name={name} onClick={() => onChange((seed + 1) % 10_000)}>
      <Dices aria-hidden size={18} />
    </IconButton>
  );
}

interface ChooseProps<T extends string> {
  name: string;
  label: string;
  value: T;
  values: readonly T[];
  nameOf: (value: T) => string;
  onChange: (value: T) => void;
}

/** A labelled choice among a few; absent as {@link Control}. */
export function Choose<T extends string>(props: ChooseProps<T>) {
  const { name, label, value, values, nameOf, onChange } = props;
  return (
    <Control name={name} label={label}>
      <Segmented
        label={label}
        value={value}
        options={values.map((each) => ({ value: each, name: nameOf(each) }))}
        onChange={onChange}
      />
    </Control>
  );
}

interface SlideProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  /** The value in words; the number itself where nothing is said. */
  text?: string;
  onChange: (value: number) => void;
}

/** A slider with its value. */
export function Slide({ label, value, min, max, step, text, onChange }: SlideProps) {
  return (
    <span className="slider-field">
      <Slider.Root
        className="slider"
        value={[value]}
        min={min}
        max={max}
        step={step}
        onValueChange={([next]) => next !== undefined && onChange(Number(next.toFixed(6)))}
      >
        <Slider.Track className="slider-track">
          <Slider.Range className="slider-range" />
        </Slider.Track>
        <Slider.Thumb className="slider-thumb" aria-label={label} aria-valuetext={text} />
      </Slider.Root>
      <output>{text ?? String(value)}</output>
    </span>
  );
}
