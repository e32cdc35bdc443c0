import { Tooltip } from 'radix-ui';
import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isChapter } from './chapters/registry.ts';
import { readView } from './chapters/view.ts';
import { ErrorChart } from './charts/ErrorChart.tsx';
import { useLab } from './context.ts';
import { FileDrop } from './parts/FileDrop.tsx';
import { Header } from './parts/Header.tsx';
import { Messages } from './parts/Messages.tsx';
import { Nav } from './parts/Nav.tsx';
import { NetworkTable } from './parts/NetworkTable.tsx';
import { Panel } from './parts/Panel.tsx';
import { Transport } from './parts/Transport.tsx';
import { Unsupported } from './parts/Unsupported.tsx';
import type { PanelTab } from './parts/Panel.tsx';
import { PAGES, isPage } from './pages.ts';
import { useRoute } from './route.ts';

const ChapterPage = lazy(() =>
  import('./chapters/ChapterPage.tsx').then((module) => ({ default: module.ChapterPage })),
);

/** Files dropped on the experiment become its data set. */
function ExperimentDrop({ onFiles }: { onFiles: () => void }) {
  const openFiles = useLab((state) => state.openFiles);
  return (
    <FileDrop
      onFiles={(files) => {
        openFiles(files);
        onFiles();
      }}
    />
  );
}

/** The page that the address names. */
export function App() {
  const { t } = useTranslation();
  const { page, query } = useRoute();
  const unsupported = useLab((state) => state.unsupported);
  const [tab, setTab] = useState<PanelTab>('drawing');
  const chapter = isChapter(page) ? page : null;
  const own = isPage(page) ? page : null;
  const Page = own && PAGES[own];
  const { present, embed } = readView(query);
  const bare = chapter !== null && embed;

  return (
    <Tooltip.Provider delayDuration={400}>
      <div className="app" data-page={chapter ?? own ?? 'experiment'}>
        {!bare && (
          <>
            <Header onShowData={chapter || own || unsupported ? undefined : () => setTab('data')} />
            {!(chapter && present) && <Nav page={page} />}
          </>
        )}
        {chapter ? (
          <Suspense fallback={<main className="chapter" aria-busy aria-label={t('loading')} />}>
            <ChapterPage key={chapter} id={chapter} query={query} />
          </Suspense>
        ) : Page ? (
          <Suspense fallback={<main aria-busy aria-label={t('loading')} />}>
            <Page query={query} />
          </Suspense>
        ) : unsupported ? (
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
            <ExperimentDrop onFiles={() => setTab('data')} />
          </>
        )}
      </div>
    </Tooltip.Provider>
  );
}
