/**
 * Compiled kernels: one pipeline for each distinct WGSL text, shared by all networks of a device.
 */
import { FathomError } from '../../errors.ts';
import type { Access, KernelCall } from '../../ops/op.ts';
import { narrowed } from './narrow.ts';
import { expand } from './template.ts';
import { shaders } from './shaders.ts';

export interface Kernel {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

const BINDING_TYPES: Record<Access, GPUBufferBindingType> = {
  read: 'read-only-storage',
  write: 'storage',
  update: 'storage',
  uniform: 'uniform',
};

export class KernelCache {
  private readonly device: GPUDevice;
  private readonly kernels = new Map<string, Kernel>();
  private readonly pending = new Map<string, Promise<Kernel>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** How many pipelines have been compiled so far. */
  get size(): number {
    return this.kernels.size;
  }

  /** The compiled kernel of a call; `compile` must have been awaited before. */
  get(call: KernelCall): Kernel {
    const kernel = this.kernels.get(keyOf(call));
    if (!kernel) throw new Error(`kernel ${call.shader}/${call.entry} has not been compiled`);
    return kernel;
  }

  /** Compiles what is missing, all at once and off the calling thread. */
  async compile(
    calls: readonly KernelCall[],
    progress: (done: number, total: number) => void = () => undefined,
  ): Promise<void> {
    const missing = new Map<string, KernelCall>();
    for (const call of calls) {
      const key = keyOf(call);
      if (!this.kernels.has(key)) missing.set(key, call);
    }
    let done = 0;
    progress(done, missing.size);
    await Promise.all(
      [...missing].map(async ([key, call]) => {
        const pending = this.pending.get(key) ?? this.create(key, call);
        this.pending.set(key, pending);
        await pending.finally(() => this.pending.delete(key));
        progress(++done, missing.size);
      }),
    );
  }

  private async create(key: string, call: KernelCall): Promise<Kernel> {
    const code = sourceOf(call);
    const label = `${call.shader}/${call.entry}`;
    const layout = this.bindGroupLayout(call);
    const module = this.device.createShaderModule({ label, code });
    try {
      const pipeline = await this.device.createComputePipelineAsync({
        label,
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entryPointOf(code) },
      });
      const kernel = { pipeline, layout };
      this.kernels.set(key, kernel);
      return kernel;
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const reason = messages
        .map(
          ({ lineNum, message }) =>
            `line ${lineNum}: ${message} — ${code.split('\n')[lineNum - 1] ?? ''}`,
        )
        .join('\n');
      throw new FathomError(
        'kernel',
        `the kernel ${label} does not compile on this device: ${reason || String(error)}`,
        { kernel: label, reason: reason || String(error) },
      );
    }
  }

  private bindGroupLayout({ bindings }: KernelCall): GPUBindGroupLayout {
    const types = bindings.map(({ access }) => BINDING_TYPES[access]);
    const key = types.join();
    const layout =
      this.layouts.get(key) ??
      this.device.createBindGroupLayout({
        entries: types.map((type, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type },
        })),
      });
    this.layouts.set(key, layout);
    return layout;
  }
}

/** The WGSL of a call that is a section of a file, for its bindings as they are stored. */
export const sectionOf = ({ shader, entry, constants, bindings }: KernelCall): string =>
  narrowed(expand(shaders, shader, entry, constants), bindings);

/** The WGSL of a call, ready to be compiled. */
export const sourceOf = (call: KernelCall): string => enabled(call.text ?? sectionOf(call));

/** WGSL wants the features that a module uses named at its head. */
const FEATURES = { f16: /\b(?:f16|vec4h)\b/, subgroups: /\b(?:subgroup|quad)[A-Z]/ };

const enabled = (code: string): string =>
  Object.entries(FEATURES)
    .filter(([, sign]) => sign.test(code))
    .reduce((text, [feature]) => `enable ${feature};\n${text}`, code);

/** Two calls with the same key run the same code on equally typed bindings. */
function keyOf({ shader, entry, constants, bindings, text = '' }: KernelCall): string {
  const values = Object.entries(constants).map(([name, value]) => `${name}=${String(value)}`);
  const types = bindings.map(({ access, tensor: { bits = 32 } }) => `${access}${String(bits)}`);
  return [shader, entry, text, ...values, ...types].join(' ');
}

function entryPointOf(code: string): string {
  const name = /@compute[^\n]*\n\s*fn (\w+)/.exec(code)?.[1];
  if (!name)
    throw new Error('a kernel needs an entry point: "@compute @workgroup_size(…)" and "fn name("');
  return name;
}
