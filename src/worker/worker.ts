/** The worker's program: a {@link Host} between the page and the GPU, the instruments of the chapters, and the data sets. */
import { expose } from 'comlink';
import { openFolder } from '../data/opfs.ts';
import { take } from '../lab/construction.ts';
import { DepthLab } from '../lab/depth.ts';
import { Inspector } from '../lab/inspector.ts';
import { Instruments } from '../lab/instruments.ts';
import { testPictures } from '../lab/pictures.ts';
import { DataDesk } from './data_desk.ts';
import { describeError, plainly } from './failure.ts';
import { Host } from './host.ts';
import type { Command, OpenedSet, OpenInstruments, WorkerApi } from './protocol.ts';

const desk = new DataDesk({ openFolder: (name) => openFolder(navigator, name) });
const host = new Host(navigator.gpu, desk, (event) => self.postMessage(event));
const instruments = new Instruments(host.secondGpu(), () => host.data());
const depth = new DepthLab(
  host.secondGpu(),
  () => host.data(),
  (id) => host.atRest(id, take),
);
const inspector = new Inspector((network, work) => host.atRest(network, work));

/** An experiment of the set that was loaded takes the new one. */
async function renewing(loading: Promise<OpenedSet>): Promise<OpenedSet> {
  const opened = await loading;
  host.renew(opened.id);
  return opened;
}

const api: WorkerApi = {
  run: (question) => plainly(instruments.run(question)),
  check: (onResult) => plainly(instruments.check(onResult)),
  activations: (network, path) => plainly(host.activations(network, path)),
  signal: (setting, onLayer) => plainly(instruments.signal(setting, onLayer)),
  stack: (question) => plainly(instruments.stack(question)),
  channels: (step, picture) => plainly(instruments.channels(step, picture)),
  augment: (question) => plainly(instruments.augment(question)),
  crops: (...question) => plainly(instruments.crops(...question)),
  draws: (...question) => plainly(instruments.draws(...question)),
  accuracy: (...question) => plainly(instruments.accuracy(...question)),
  construct: (...question) => plainly(depth.construct(...question)),
  trainConstruction: (steps) => plainly(depth.trainConstruction(steps)),
  measureReference: (...question) => plainly(depth.measureReference(...question)),
  compareReference: (mode) => plainly(depth.compareReference(mode)),
  openTwin: (setting) => plainly(depth.openTwin(setting)),
  trainTwin: (steps) => plainly(depth.trainTwin(steps)),
  touchTwin: (touch) => plainly(depth.touchTwin(touch)),
  proveTwin: () => plainly(depth.proveTwin()),
  profile: (network) => plainly(host.profile(network)),
  expect: (config) => plainly(host.expect(config)),
  tryTunings: (config, onTrial) => plainly(host.tryTunings(config, onTrial)),
  survey: (question, onPoint) => plainly(host.survey(question, onPoint)),
  surveyPace: (question) => plainly(host.surveyPace(question)),
  features: (...question) => plainly(inspector.features(...question)),
  attribution: (...question) => plainly(inspector.attribution(...question)),
  occlusion: (...question) => plainly(inspector.occlusion(...question)),
  statistics: (...question) => plainly(inspector.statistics(...question)),
  predictions: (...question) => plainly(inspector.predictions(...question)),
  testPictures: async (places) => testPictures(await host.data(), places),
  leave: () => {
    inspector.leave();
    void host.forget();
  },
  catalogue: () => Promise.resolve(desk.catalogue()),
  kept: () => plainly(desk.kept()),
  download: (...request) => plainly(renewing(desk.download(...request))),
  open: (...request) => plainly(renewing(desk.open(...request))),
  stop: () => Promise.resolve(desk.stop()),
  replaceKept: (id) => plainly(desk.replaceKept(id)),
  discard: (id) => plainly(desk.discard(id)),
  forget: (id) => plainly(desk.forget(id)),
  details: (name) => plainly(desk.details(name)),
  warnings: (name) => plainly(desk.warnings(name)),
};

self.onmessage = ({ data }: MessageEvent<Command | OpenInstruments>) => {
  if (data.type === 'instruments') return expose(api, data.port);
  try {
    host.handle(data);
  } catch (error) {
    self.postMessage({ type: 'failed', command: data.type, ...describeError(error) });
  }
};
