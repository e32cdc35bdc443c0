import { Switch } from 'radix-ui';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { AugmentPictures } from '../../../worker/protocol.ts';
import { className } from '../../i18n/index.ts';
import { useAsked } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Buttons, Control, Redraw, Slide } from '../controls.tsx';
import { Picture } from '../Picture.tsx';
import { Proof } from '../Proof.tsx';
import { Waiting } from '../Waiting.tsx';
import { decimals } from '../short.ts';
import type { State } from './index.tsx';

const COPIES = 12;
const COLOURS = ['brightness', 'contrast', 'saturation'] as const;

/** One picture as training would see it in twelve epochs. */
export function Gallery({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('images');
  const { picture, flip, pad, resize, from, to, seed, cutout } = state;
  const { brightness, contrast, saturation } = state;
  const ask = useCallback(
    (instruments: Instruments) =>
      instruments.augment({
        picture,
        copies: COPIES,
        augmentation: {
          flip,
          pad,
          ...(resize && { resize: [from, to] as const }),
          brightness,
          contrast,
          saturation,
          cutout,
        },
        draw: { seed, iteration: 0 },
      }),
    [picture, flip, pad, resize, from, to, brightness, contrast, saturation, cutout, seed],
  );
  const { answer, failure, waiting } = useAsked(ask);
  const toggle = (name: 'flip' | 'resize') => (
    <Switch.Root
      className="switch"
      aria-label={t(`augment.${name}`)}
      checked={state[name]}
      onCheckedChange={(on) => change({ [name]: on })}
    >
      <Switch.Thumb className="switch-thumb" />
    </Switch.Root>
  );
  return (
    <>
      <div className="controls">
        <Control name="flip" label={t('augment.flip')}>
          {toggle('flip')}
        </Control>
        <Control name="pad" label={t('augment.pad')}>
          <Slide
            label={t('augment.pad')}
            {...{ min: 0, max: 8, step: 1, value: pad }}
            onChange={(value) => change({ pad: value })}
          />
        </Control>
        <Control name="resize" label={t('augment.resize')}>
          {toggle('resize')}
        </Control>
        {resize &&
          (['from', 'to'] as const).map((end) => (
            <Control key={end} name={end} label={t(`augment.${end}`)}>
              <Slide
                label={t(`augment.${end}`)}
                {...{ min: 1, max: 4, step: 0.01, value: state[end] }}
                text={`× ${state[end].toFixed(2)}`}
                onChange={(value) => change({ [end]: value })}
              />
            </Control>
          ))}
        {COLOURS.map((name) => (
          <Control key={name} name={name} label={t(`augment.${name}`)}>
            <Slide
              label={t(`augment.${name}`)}
              {...{ min: 0, max: 1, step: 0.1, value: state[name] }}
              onChange={(value) => change({ [name]: value })}
            />
          </Control>
        ))}
        <Control name="cutout" label={t('augment.cutout')}>
          <Slide
            label={t('augment.cutout')}
            {...{ min: 0, max: 16, step: 1, value: cutout }}
            onChange={(value) => change({ cutout: value })}
          />
        </Control>
        <Buttons name="seed">
          <Redraw name={t('again')} seed={seed} onChange={(next) => change({ seed: next })} />
        </Buttons>
      </div>
      <Waiting waiting={waiting && !answer} failure={failure} />
      {answer && <Shown answer={answer} />}
    </>
  );
}

function Shown({ answer }: { answer: AugmentPictures }) {
  const { t } = useTranslation('images');
  const { picture, statistics, y, reference, classes, by, kernels } = answer;
  const label = className(classes[picture.label] ?? '');
  const evidence = { by, kernels, operands: [{ name: 'x', ...picture.x }] };
  const each = picture.x.data.length;
  return (
    <>
      <div className="images-gallery">
        <figure className="images-original">
          <Picture of={picture.x} statistics={statistics} label={t('original', { label })} />
          <figcaption>{t('original', { label })}</figcaption>
        </figure>
        <div className="images-copies">
          {Array.from({ length: COPIES }, (_, index) => (
            <figure key={index}>
              <Picture
                of={y}
                index={index}
                statistics={statistics}
                label={t('copy', { number: index + 1 })}
              />
              <figcaption>
                <Proof
                  evidence={evidence}
                  name={t('corner', { number: index + 1 })}
                  value={y.data[index * each] ?? NaN}
                  reference={reference.data[index * each] ?? NaN}
                >
                  {decimals(y.data[index * each] ?? NaN, 3)}
                </Proof>
              </figcaption>
            </figure>
          ))}
        </div>
      </div>
      <p className="quietly">{t('under')}</p>
      <h3>{t('safe.title')}</h3>
      <ul className="images-safe">
        <li>{t('safe.flip')}</li>
        <li>{t('safe.crop')}</li>
        <li>{t('safe.colour')}</li>
      </ul>
    </>
  );
}
