import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { LabContext } from './app/context.ts';
import { DataContext, createDataStore } from './app/data/state.ts';
import { startI18n } from './app/i18n/index.ts';
import { formatLink } from './app/link.ts';
import { ProfilerContext, createProfilerStore } from './app/profiler.ts';
import { parseRoute } from './app/route.ts';
import { keptShare } from './app/share.ts';
import { createAppStore } from './app/store.ts';
import { startTheme } from './app/theme.ts';
import { keptWishes, tuneOnce } from './app/tuning.ts';
import { WorkerContext } from './app/worker.ts';
import { createLabClient } from './worker/client.ts';
import './app/styles.css';

startTheme();
startI18n();

const client = createLabClient();
const store = createAppStore(client.send);
store.getState().setShare(keptShare());
store.getState().setWishes(keptWishes());
const profiler = createProfilerStore(client.api);
const data = createDataStore(client.api);
/** Whether the address names the experiment, and not a chapter. */
const isExperiment = () => parseRoute(location.hash).page === '';
if (isExperiment()) store.getState().open(location.hash);
client.subscribe(store.getState().receive);
tuneOnce(store, profiler);

// The address follows the settings, and the settings follow an address that is pasted over it. A chapter's address is
// its own affair: the experiment goes on behind it.
let written = isExperiment() ? location.hash : null;
store.subscribe((state, before) => {
  if (written === null || !state.device || state.draft === before.draft) return;
  written = formatLink(state.draft, state.machine);
  if (isExperiment()) history.replaceState(null, '', written);
});
window.addEventListener('hashchange', () => {
  if (!isExperiment() || location.hash === written) return;
  written = location.hash;
  store.getState().open(written);
});

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
createRoot(root).render(
  <StrictMode>
    <LabContext value={store}>
      <WorkerContext value={client.api}>
        <ProfilerContext value={profiler}>
          <DataContext value={data}>
            <App />
          </DataContext>
        </ProfilerContext>
      </WorkerContext>
    </LabContext>
  </StrictMode>,
);
