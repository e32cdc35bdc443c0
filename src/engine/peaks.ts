/**
 * What an adapter can do at most, by two microkernels: multiply-adds on registers, and a copy from buffer to
 * buffer. Each comes in several shapes, of which the fastest counts.
 */

export interface Peaks {
  /** Floating-point operations a second of multiply-adds, which count two. */
  flops: number;
  /** Bytes a second, read and written together. */
  bandwidth: number;
}

const THREADS = 2 ** 17;
const GROUP = 64;
const UNROLLED = 16;
/** What is copied; more than caches hold. */
const COPIED_BYTES = 64 * 2 ** 20;
/** Repetitions are doubled until a run takes so long, in milliseconds. */
const LONG_ENOUGH = 60;
const MAX_REPETITIONS = 2 ** 16;

export async function measurePeaks(device: GPUDevice): Promise<Peaks> {
  const result = storage(device, THREADS * 16);
  const repetitions = device.createBuffer({
    size: 16,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const [source, target] = [storage(device, COPIED_BYTES), storage(device, COPIED_BYTES)];
  try {
    let flops = 0;
    for (const chains of [1, 2, 4, 8]) {
      for (const fused of [false, true]) {
        const run = await kernel(device, multiplyAdd(chains, fused), [result, repetitions]);
        const perRepetition = THREADS * UNROLLED * chains * 4 * 2;
        const seconds = await secondsEach((count) => {
          device.queue.writeBuffer(repetitions, 0, new Uint32Array([count, 0, 0, 0]));
          run(THREADS / GROUP, 1);
          return device.queue.onSubmittedWorkDone();
        });
        flops = Math.max(flops, perRepetition / seconds);
      }
    }
    let bandwidth = 0;
    for (const quads of [1, 4]) {
      const run = await kernel(device, copy(quads), [target, source]);
      const seconds = await secondsEach((count) => {
        run(COPIED_BYTES / 16 / quads / GROUP / COPY_ROWS, count);
        return device.queue.onSubmittedWorkDone();
      });
      bandwidth = Math.max(bandwidth, (2 * COPIED_BYTES) / seconds);
    }
    return { flops, bandwidth };
  } finally {
    for (const buffer of [result, repetitions, source, target]) buffer.destroy();
  }
}

/** Rows of workgroups in a dispatch of the copy: one row would be longer than WebGPU allows. */
const COPY_ROWS = 64;

/** Independent chains of v ← v·m + a on registers, without a loop inside the unrolled block. */
function multiplyAdd(chains: number, fused: boolean): string {
  const each = (line: (chain: number) => string) =>
    Array.from({ length: chains }, (_, i) => line(i));
  const once = each((i) =>
    fused ? `v${i} = fma(v${i}, vec4f(m), vec4f(a));` : `v${i} = v${i} * m + a;`,
  ).join(' ');
  return `
    @group(0) @binding(0) var<storage, read_write> result: array<vec4f>;
    @group(0) @binding(1) var<uniform> repetitions: vec4u;
    @compute @workgroup_size(${GROUP})
    fn main(@builtin(global_invocation_id) id: vec3u) {
      let m = 0.999 + f32(id.x) * 1e-9;
      let a = 0.001 + f32(id.x) * 1e-9;
      ${each((i) => `var v${i} = vec4f(f32(id.x + ${i}u) * 1e-6);`).join('\n      ')}
      for (var i = 0u; i < repetitions.x; i++) {
        ${Array.from({ length: UNROLLED }, () => once).join('\n        ')}
      }
      result[id.x] = ${each((i) => `v${i}`).join(' + ')};
    }`;
}

/** Each thread copies some vec4s that lie a workgroup apart, so that neighbours read neighbours. */
function copy(quads: number): string {
  const moves = Array.from(
    { length: quads },
    (_, i) => `target_[at + ${i * GROUP}u] = source[at + ${i * GROUP}u];`,
  );
  return `
    @group(0) @binding(0) var<storage, read_write> target_: array<vec4f>;
    @group(0) @binding(1) var<storage, read> source: array<vec4f>;
    @compute @workgroup_size(${GROUP})
    fn main(
      @builtin(workgroup_id) group: vec3u,
      @builtin(num_workgroups) groups: vec3u,
      @builtin(local_invocation_index) local: u32,
    ) {
      let at = (group.y * groups.x + group.x) * ${GROUP * quads}u + local;
      ${moves.join('\n      ')}
    }`;
}

const storage = (device: GPUDevice, size: number): GPUBuffer =>
  device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });

/** A function that submits a kernel over a row of workgroups (or a grid, for the copy) so many times. */
async function kernel(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
): Promise<(columns: number, times: number) => void> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const rows = code.includes('num_workgroups') ? COPY_ROWS : 1;
  return (columns, times) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < times; i++) pass.dispatchWorkgroups(columns, rows);
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
}

/** Seconds a repetition: repetitions are doubled until the run is long enough, then the best of three. */
async function secondsEach(run: (repetitions: number) => Promise<unknown>): Promise<number> {
  const timed = async (count: number) => {
    const start = performance.now();
    await run(count);
    return performance.now() - start;
  };
  await timed(1);
  let count = 1;
  let best = await timed(count);
  while (best < LONG_ENOUGH && count < MAX_REPETITIONS) {
    count *= best < LONG_ENOUGH / 8 ? 8 : 2;
    best = await timed(count);
  }
  for (let i = 0; i < 2; i++) best = Math.min(best, await timed(count));
  return best / count / 1000;
}
