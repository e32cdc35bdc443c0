import { Tabs } from 'radix-ui';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { BlockDrawing } from '../drawing/BlockDrawing.tsx';
import { NetworkStrip } from '../drawing/NetworkStrip.tsx';
import { useLab } from '../context.ts';
import { drawingOf } from '../../lab/networks.ts';
import { isNetworkId } from '../../network/families.ts';
import { depthOf, isConnected as isDrawnConnected } from '../../network/fit.ts';
import { pack } from '../packed.ts';
import { networkStyles } from '../palette.ts';
import { formatRoute } from '../route.ts';
import { pendingSettings } from '../store.ts';
import { useShade } from '../theme.ts';
import { DataTab } from './DataTab.tsx';
import { LayersTab } from './LayersTab.tsx';
import { ProfileTab } from './ProfileTab.tsx';
import { SettingsTab } from './SettingsTab.tsx';

const PANEL_TABS = ['drawing', 'layers', 'settings', 'data', 'profile'] as const;
export type PanelTab = (typeof PANEL_TABS)[number];

interface PanelProps {
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
}

/** Beside the chart: the networks drawn, the settings, the data, what the device makes of them. */
export function Panel({ tab, onTab }: PanelProps) {
  const { t } = useTranslation();
  const pending = useLab((state) => pendingSettings(state).length);

  return (
    <Tabs.Root
      className="panel"
      value={tab}
      onValueChange={(value) => {
        const next = PANEL_TABS.find((candidate) => candidate === value);
        if (next) onTab(next);
      }}
    >
      <Tabs.List className="tabs" aria-label={t('panel.label')}>
        {PANEL_TABS.map((name) => (
          <Tabs.Trigger key={name} value={name}>
            {t(`panel.${name}`)}
            {name === 'settings' && pending > 0 && <span className="badge">{pending}</span>}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content value="drawing" className="tab drawing-tab" tabIndex={-1}>
        <DrawingTab />
      </Tabs.Content>
      <Tabs.Content value="layers" className="tab" tabIndex={-1}>
        <LayersTab />
      </Tabs.Content>
      <Tabs.Content value="settings" className="tab" tabIndex={-1}>
        <SettingsTab />
      </Tabs.Content>
      <Tabs.Content value="data" className="tab" tabIndex={-1}>
        <DataTab />
      </Tabs.Content>
      <Tabs.Content value="profile" className="tab" tabIndex={-1}>
        <ProfileTab />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function DrawingTab() {
  const { t } = useTranslation();
  const config = useLab((state) => state.config);
  const ids = config.networks;
  const networks = useLab((state) => state.networks);
  const active = useLab((state) => state.phase?.network);
  const chosen = useLab((state) => state.selected);
  const select = useLab((state) => state.select);
  const styles = networkStyles(ids, useShade());
  const drawings = useMemo(
    () => new Map(config.networks.map((id) => [id, drawingOf(id, config)])),
    [config],
  );
  const deepest = Math.max(...[...drawings.values()].map(depthOf));
  const isConnected = (id: string) => {
    const spec = drawings.get(id);
    return (
      networks.find((network) => network.id === id)?.connected ??
      (spec !== undefined && isDrawnConnected(spec) === true)
    );
  };
  const shown = [active, chosen].find((id) => id && ids.includes(id)) ?? ids.at(-1);
  const style = shown && styles.get(shown);
  const byHand = shown && config.custom[shown];

  return (
    <>
      <p className="hint">{t('drawing.hint')}</p>
      <div className="strips">
        {ids.map((id) => {
          const own = styles.get(id);
          return (
            own && (
              <NetworkStrip
                key={id}
                id={id}
                style={own}
                connected={isConnected(id)}
                selected={id === shown}
                deepest={deepest}
                onSelect={() => select(id)}
              />
            )
          );
        })}
      </div>
      {shown && style && isNetworkId(shown) && (
        <BlockDrawing id={shown} style={style} connected={isConnected(shown)} />
      )}
      {byHand && (
        <a className="button" href={formatRoute({ page: 'build', query: `net=${pack(byHand)}` })}>
          {t('drawing.build')}
        </a>
      )}
    </>
  );
}
