import { Tooltip } from 'radix-ui';
import { useState } from 'react';
import { ErrorChart } from './charts/ErrorChart.tsx';
import { useLab } from './context.ts';
import { FileDrop } from './parts/FileDrop.tsx';
import { Header } from './parts/Header.tsx';
import { Messages } from './parts/Messages.tsx';
import { NetworkTable } from './parts/NetworkTable.tsx';
import { Panel } from './parts/Panel.tsx';
import { Transport } from './parts/Transport.tsx';
import { Unsupported } from './parts/Unsupported.tsx';
import type { PanelTab } from './parts/Panel.tsx';

/** The first screen: the experiment itself. */
export function App() {
  const unsupported = useLab((state) => state.unsupported);
  const [tab, setTab] = useState<PanelTab>('drawing');

  return (
    <Tooltip.Provider delayDuration={400}>
      <div className="app">
        <Header onShowData={unsupported ? undefined : () => setTab('data')} />
        {unsupported ? (
          <Unsupported failure={unsupported} />
        ) : (
          <>
            <Messages />
            <main>
              <Transport />
              <ErrorChart />
              <Panel tab={tab} onTab={setTab} />
              <NetworkTable />
            </main>
            <FileDrop onFiles={() => setTab('data')} />
          </>
        )}
      </div>
    </Tooltip.Provider>
  );
}
