import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { LabContext } from './app/context.ts';
import { startI18n } from './app/i18n/index.ts';
import { formatLink } from './app/link.ts';
import { createAppStore } from './app/store.ts';
import { startTheme } from './app/theme.ts';
import { createLabClient } from './worker/client.ts';
import './app/styles.css';

startTheme();
startI18n();

const client = createLabClient();
const store = createAppStore(client.send);
store.getState().open(location.hash);
client.subscribe(store.getState().receive);

// The address follows the settings, and the settings follow an address that is pasted over it.
let written = location.hash;
store.subscribe((state, before) => {
  if (!state.device || state.draft === before.draft) return;
  written = formatLink(state.draft, state.machine);
  history.replaceState(null, '', written);
});
window.addEventListener('hashchange', () => {
  if (location.hash !== written) store.getState().open(location.hash);
});

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
createRoot(root).render(
  <StrictMode>
    <LabContext value={store}>
      <App />
    </LabContext>
  </StrictMode>,
);
