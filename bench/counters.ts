/** Counts what is asked of WebGPU, whoever asks: the methods of its prototypes are wrapped for a while. */

export interface Counters {
  dispatches: number;
  submits: number;
  /** Buffers, textures, bind groups, layouts, shader modules, pipelines and query sets that were made. */
  objects: number;
  /** `writeBuffer` and `writeTexture`. */
  uploads: number;
}

const METHODS: Record<keyof Counters, readonly [owner: string, methods: readonly string[]]> = {
  dispatches: ['GPUComputePassEncoder', ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']],
  submits: ['GPUQueue', ['submit']],
  objects: [
    'GPUDevice',
    [
      'createBuffer',
      'createTexture',
      'createSampler',
      'createBindGroup',
      'createBindGroupLayout',
      'createPipelineLayout',
      'createShaderModule',
      'createComputePipeline',
      'createComputePipelineAsync',
      'createQuerySet',
    ],
  ],
  uploads: ['GPUQueue', ['writeBuffer', 'writeTexture']],
};

/** What `work` asks of WebGPU until its promise settles. Nothing else may run meanwhile. */
export async function countDuring(work: () => Promise<unknown> | undefined): Promise<Counters> {
  const counters: Counters = { dispatches: 0, submits: 0, objects: 0, uploads: 0 };
  const restore: (() => void)[] = [];
  for (const key of Object.keys(METHODS) as (keyof Counters)[]) {
    const [owner, methods] = METHODS[key];
    const { prototype } = Reflect.get(globalThis, owner) as { prototype: object };
    for (const method of methods) {
      const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
      Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
        counters[key]++;
        return original.apply(this, args);
      });
      restore.push(() => void Reflect.set(prototype, method, original));
    }
  }
  try {
    await work();
  } finally {
    restore.forEach((undo) => undo());
  }
  return counters;
}
