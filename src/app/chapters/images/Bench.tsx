import { useTranslation } from 'react-i18next';
import type { InstrumentProps } from '../chapter.ts';
import { Choose, Control, Slide } from '../controls.tsx';
import { Channels } from './Channels.tsx';
import { Crops } from './Crops.tsx';
import { Gallery } from './Gallery.tsx';
import type { State } from './index.tsx';

const VIEWS = { channels: Channels, augment: Gallery, crops: Crops } as const;
const NAMES = ['channels', 'augment', 'crops'] as const;

/** Three stations on a picture's way into a network. */
export function Bench({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('images');
  const View = VIEWS[state.view];
  return (
    <>
      <div className="controls">
        <Choose
          name="view"
          label={t('view.label')}
          value={state.view}
          values={NAMES}
          nameOf={(value) => t(`view.${value}`)}
          onChange={(view) => change({ view })}
        />
        <Control name="picture" label={t('picture')}>
          <Slide
            label={t('picture')}
            value={state.picture}
            min={0}
            max={59}
            step={1}
            onChange={(picture) => change({ picture })}
          />
        </Control>
      </div>
      <View state={state} change={change} />
    </>
  );
}
