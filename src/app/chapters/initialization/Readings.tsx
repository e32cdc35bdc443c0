import { useTranslation } from 'react-i18next';
import { percent } from '../../format.ts';
import type { SignalLayer } from '../../../worker/protocol.ts';
import { Proof } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { short } from '../short.ts';
import type { Activation, Prediction } from './theory.ts';

interface ReadingsProps {
  layers: readonly SignalLayer[];
  layer: number;
  std: number;
  activation: Activation;
  prediction: Prediction;
}

/** The numbers of one layer, each with where it comes from. */
export function Readings({ layers, layer, std, activation, prediction }: ReadingsProps) {
  const { t, i18n } = useTranslation('initialization');
  const of = (phase: SignalLayer['phase']) =>
    layers.find((candidate) => candidate.phase === phase && candidate.layer === layer);
  const columns = (['forward', 'backward'] as const).map((phase) => ({
    phase,
    found: of(phase),
    expected: prediction[phase][layer] ?? NaN,
  }));
  const output = of('forward')?.output;
  const by = layers[0]?.by ?? 'gpu';

  return (
    <div className="initialization-readings">
      <table>
        <caption>{layer === 0 ? t('reading.input') : t('reading.layer', { layer })}</caption>
        <thead>
          <tr>
            <td />
            {columns.map(({ phase }) => (
              <th key={phase} scope="col" data-kind={phase}>
                {t(`reading.${phase}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(['mean', 'deviation', 'zeros'] as const).map((what) => (
            <tr key={what}>
              <th scope="row">{t(`reading.${what}`)}</th>
              {columns.map(({ phase, found }) => (
                <td key={phase} data-reading={`${phase}-${what}`}>
                  {found ? (
                    <Proof
                      evidence={evidenceOf(found)}
                      name={`${t(`reading.${what}`)}, ${t(`reading.${phase}`)}`}
                      value={valueOf(found.description, what)}
                      reference={valueOf(found.reference, what)}
                    >
                      {what === 'zeros'
                        ? percent(valueOf(found.description, what), i18n.language)
                        : short(found.description[what])}
                    </Proof>
                  ) : (
                    '…'
                  )}
                </td>
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">{t('reading.expected')}</th>
            {columns.map(({ phase, expected }) => (
              <td key={phase} data-reading={`${phase}-expected`}>
                {short(expected)}
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">{t('reading.output', { unit: output?.unit ?? 0 })}</th>
            <td colSpan={2} data-reading="output">
              {output ? (
                <Proof
                  evidence={{
                    by,
                    kernels: of('forward')?.kernels ?? [],
                    operands: [
                      { name: `h${layer - 1}[0]`, ...output.x },
                      {
                        name: `W${layer}[${output.unit}] ~ N(0, ${short(std)}²)`,
                        ...output.weight,
                      },
                    ],
                  }}
                  name={t('reading.proof', {
                    unit: output.unit,
                    activation: t(`activation.${activation}`),
                    layer,
                  })}
                  value={output.value}
                  reference={output.reference}
                >
                  {short(output.value)}
                </Proof>
              ) : (
                '–'
              )}
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

const evidenceOf = ({ by, kernels, values, phase, layer }: SignalLayer): Evidence => ({
  by,
  kernels,
  operands: [{ name: phase === 'forward' ? `h${layer}` : `dL/dh${layer}`, ...values }],
});

const valueOf = (
  { mean, deviation, zeros, count }: SignalLayer['description'],
  what: 'mean' | 'deviation' | 'zeros',
): number => ({ mean, deviation, zeros: zeros / count })[what];
