import { Popover } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { KernelText, OpAnswer, OpQuestion } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';

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

interface ProofProps {
  evidence: Evidence;
  /** What the number is: “μ of channel 3”. */
  name: string;
  value: number;
  /** The float64 reference's value. */
  reference: number;
  /** The number as it is shown. */
  children: ReactNode;
}

/** So many numbers of an operand are shown. */
const SHOWN = 8;

/** A number that can be asked where it comes from: operands, kernels, the reference's value and the difference. */
export function Proof({ evidence, name, value, reference, children }: ProofProps) {
  const { t } = useTranslation();
  const device = useLab((state) => state.device);
  const adapter = device?.description || device?.architecture || device?.vendor || 'WebGPU';
  const onGpu = evidence.by === 'gpu';

  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="proof" aria-label={t('proof.ask', { name })}>
          {children}
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="proof-card" collisionPadding={8} sideOffset={6}>
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
          <dl>
            {evidence.operands.map((operand) => (
              <div key={operand.name}>
                <dt>
                  {operand.name} [{operand.shape.join(', ')}]
                </dt>
                <dd>
                  {Array.from({ length: Math.min(SHOWN, operand.data.length) }, (_, i) =>
                    (operand.data[i] ?? NaN).toPrecision(4),
                  ).join('  ')}
                  {operand.data.length > SHOWN && ' …'}
                </dd>
              </div>
            ))}
          </dl>
          {evidence.kernels.map((kernel, index) => (
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
          <Popover.Arrow className="proof-arrow" />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
