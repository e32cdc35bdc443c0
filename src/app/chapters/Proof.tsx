import { Popover } from 'radix-ui';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { CropsAnswer, KernelText, OpAnswer, OpQuestion } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import type { Instruments } from './ask.ts';
import { useTrained } from './training.ts';
import type { Listener } from './training.ts';
import { Waiting } from './Waiting.tsx';

/** Where a number comes from. */
export interface Evidence {
  by: 'gpu' | 'reference';
  /** What went in, by name. */
  operands: readonly { name: string; shape: readonly number[]; data: ArrayLike<number> }[];
  /** What computed it, in order. */
  kernels: readonly KernelText[];
}

/** The evidence for any number in the answer to a question about an op. */
export function evidenceOf(
  { inputs, gradOutput }: OpQuestion,
  { by, kernels }: OpAnswer,
): Evidence {
  const given = Object.entries(inputs).map(([name, { shape, data }]) => ({ name, shape, data }));
  const upstream = gradOutput ? [{ name: 'dL/dy', ...gradOutput }] : [];
  return { by, kernels, operands: [...given, ...upstream] };
}

/** The evidence for a prediction: what went in, the network's weights, and the kernels of its forward pass. */
export function evidenceOfNetwork(
  { by, kernels, weights }: Pick<CropsAnswer, 'by' | 'kernels' | 'weights'>,
  given: Evidence['operands'],
): Evidence {
  const learned = Object.entries(weights).map(([name, weight]) => ({ name, ...weight }));
  return { by, kernels, operands: [...given, ...learned] };
}

/** What a shown number is held to. */
export interface Proven {
  evidence: Evidence;
  /** The float64 reference's value. */
  reference: number;
  /** The number itself at the moment of `reference`, where it changes all the time. */
  value?: number;
}

interface Shown {
  /** What the number is: “μ of channel 3”. */
  name: string;
  value: number;
}

interface AskableProps extends Shown {
  /** The number as it is shown. */
  children: ReactNode;
}

/** A number that can be asked where it comes from: operands, kernels, the reference's value and the difference. */
export function Proof({ name, value, children, ...proven }: AskableProps & Omit<Proven, 'value'>) {
  return (
    <Askable name={name} number={children}>
      <Card {...{ name, value }} {...proven} />
    </Askable>
  );
}

type AskProof = (
  instruments: Instruments,
  training: Listener,
  drawing: Listener,
  proving: Listener,
) => Promise<Proven>;

/** As {@link Proof}, of a number whose reference takes its time: it is asked when the card is opened. */
export function LateProof({ ask, name, value, children }: AskableProps & { ask: AskProof }) {
  return (
    <Askable name={name} number={children}>
      <LateCard {...{ ask, name, value }} />
    </Askable>
  );
}

/** Mounted while the card is open; what it asked is given up with it. */
function LateCard({ ask, name, value }: Shown & { ask: AskProof }) {
  // The question of the moment when the card was opened.
  const [first] = useState(() => ask);
  const { answer, failure, waiting, going } = useTrained(first);
  if (answer) return <Card {...{ name, value }} {...answer} />;
  return (
    <>
      <h3>{name}</h3>
      <Waiting {...{ waiting, going, failure }} before="proving" />
    </>
  );
}

/** A number as a button, and the card that it opens. */
function Askable({
  name,
  number,
  children,
}: {
  name: string;
  number: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="proof" aria-label={t('proof.ask', { name })}>
          {number}
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="proof-card"
          aria-label={name}
          collisionPadding={8}
          sideOffset={6}
        >
          {children}
          <Popover.Arrow className="proof-arrow" />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** So many operands stand open. */
const OPEN = 4;
/** So many numbers of an operand are shown. */
const SHOWN = 8;

function Card({ name, value, evidence, reference }: Shown & Omit<Proven, 'value'>) {
  const { t } = useTranslation();
  const device = useLab((state) => state.device);
  const adapter = device?.description || device?.architecture || device?.vendor || 'WebGPU';
  const onGpu = evidence.by === 'gpu';
  const { operands, kernels } = evidence;
  const more = operands.slice(OPEN);
  return (
    <>
      <h3>{name}</h3>
      <table>
        <tbody>
          <tr>
            <th scope="row">{onGpu ? t('proof.kernel', { adapter }) : t('proof.fallback')}</th>
            <td>{String(onGpu ? Math.fround(value) : value)}</td>
          </tr>
          <tr>
            <th scope="row">{t('proof.reference')}</th>
            <td>{String(reference)}</td>
          </tr>
          <tr>
            <th scope="row">{t('proof.difference')}</th>
            <td>{(value - reference).toExponential(1)}</td>
          </tr>
        </tbody>
      </table>
      <h4>{t('proof.operands')}</h4>
      <Operands of={operands.slice(0, OPEN)} />
      {more.length > 0 && (
        <details>
          <summary>{t('proof.more', { number: more.length })}</summary>
          <Operands of={more} />
        </details>
      )}
      {kernels.map((kernel, index) => (
        <details key={index}>
          <summary>
            <code>{kernel.name}</code>{' '}
            <span className="quietly">
              {t('proof.workgroups', { number: kernel.workgroups.reduce((a, b) => a * b, 1) })}
            </span>
          </summary>
          <pre tabIndex={0}>{kernel.wgsl}</pre>
        </details>
      ))}
    </>
  );
}

function Operands({ of }: { of: Evidence['operands'] }) {
  return (
    <dl>
      {of.map(({ name, shape, data }) => (
        <div key={name}>
          <dt>
            {name} [{shape.join(', ')}]
          </dt>
          <dd>
            {Array.from({ length: Math.min(SHOWN, data.length) }, (_, i) =>
              (data[i] ?? NaN).toPrecision(4),
            ).join('  ')}
            {data.length > SHOWN && ' …'}
          </dd>
        </div>
      ))}
    </dl>
  );
}
