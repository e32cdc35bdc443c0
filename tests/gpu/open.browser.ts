/** What `#open-device` stands for in a browser; in Node it is `src/cli/adapter.ts`. */
import { requestDevice } from '../../src/engine/gpu/device.ts';

export const openDevice = () => requestDevice(navigator.gpu);
