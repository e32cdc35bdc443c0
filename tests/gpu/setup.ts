/**
 * The device of the GPU tests: one for all files, which run one after the other in one process.
 * In Node FATHOM_ADAPTER chooses the adapter (see src/cli/adapter.ts), in Chromium the browser does. A test on whose watch WebGPU reports an
 * error fails, whatever it computed.
 */
import { afterEach, expect } from 'vitest';
import { openDevice } from '#open-device';

declare global {
  // Modules are loaded anew for each file; the global object stays.
  var gpuUnderTest: ReturnType<typeof openDevice> | undefined;
}

export const { device, description } = await (globalThis.gpuUnderTest ??= openDevice().then(
  (opened) => {
    keepPipelines(opened.device);
    return opened;
  },
));

/** What one file compiled serves all others: a software adapter compiles most kernels for longer than it runs them. */
function keepPipelines(kept: GPUDevice): void {
  const codes = new WeakMap<GPUShaderModule, string>();
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const createShaderModule = kept.createShaderModule.bind(kept);
  const createPipeline = kept.createComputePipelineAsync.bind(kept);
  kept.createShaderModule = (descriptor) => {
    const module = createShaderModule(descriptor);
    codes.set(module, descriptor.code);
    return module;
  };
  kept.createComputePipelineAsync = (descriptor) => {
    const code = codes.get(descriptor.compute.module) ?? '';
    const pipeline = pipelines.get(code) ?? createPipeline(descriptor);
    pipelines.set(code, pipeline);
    return pipeline;
  };
}

const errors: string[] = [];
device.onuncapturederror = ({ error }) => errors.push(error.message);

afterEach(async () => {
  await device.queue.onSubmittedWorkDone();
  expect(errors.splice(0)).toEqual([]);
});
