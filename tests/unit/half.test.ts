/** Activations stored as f16, as far as it can be told without a device: numbers, kernels and planned bytes. */
import { describe, expect, test } from 'vitest';
import { narrowed } from '../../src/engine/gpu/narrow.ts';
import { sourceOf } from '../../src/engine/gpu/kernels.ts';
import { coalesce } from '../../src/engine/graph/coalesce.ts';
import { fuse } from '../../src/engine/graph/fuse.ts';
import { lower, tensor } from '../../src/engine/graph/lower.ts';
import type { Lowered } from '../../src/engine/graph/lower.ts';
import { lifetimes, plan } from '../../src/engine/graph/plan.ts';
import { floatToHalf, halfToFloat } from '../../src/ops/half.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { buildGraph, graphParameters, graphState } from '../../src/network/graph.ts';
import { addCall } from '../../src/ops/elementwise.ts';
import { read, write } from '../../src/ops/op.ts';
import type { Bits, Precision, Tensor } from '../../src/ops/tensor.ts';
import { TUNINGS, TUNING_NAMES } from '../../src/ops/tuning.ts';
import type { TuningName } from '../../src/ops/tuning.ts';

describe('binary16', () => {
  const patterns = Array.from({ length: 0x10000 }, (_, bits) => bits);
  test('every bit pattern means a number that has these bits', () => {
    const numbers = patterns.filter((bits) => !Number.isNaN(halfToFloat(bits)));
    expect(numbers.filter((bits) => floatToHalf(halfToFloat(bits)) !== bits)).toEqual([]);
    expect(numbers).toHaveLength(0x10000 - 2 * 1023);
    expect([0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0xfc00].map(halfToFloat)).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      1,
      65504,
      -Infinity,
    ]);
    expect(halfToFloat(floatToHalf(NaN))).toBeNaN();
  });
  test('a number between two goes to the nearest, or to the even one', () => {
    const wrong = patterns.slice(0, 0x7bff).filter((bits) => {
      const [low, high] = [halfToFloat(bits), halfToFloat(bits + 1)];
      const [middle, little] = [(low + high) / 2, (high - low) / 64];
      const found = [middle - little, middle, middle + little].map(floatToHalf);
      return found.join() !== [bits, bits + (bits % 2), bits + 1].join();
    });
    expect(wrong).toEqual([]);
    expect([65519, 65520, -1e9].map(floatToHalf)).toEqual([0x7bff, 0x7c00, 0xfc00]);
  });
});

describe('the text of a kernel', () => {
  const image = (name: string, bits: Bits): Tensor => ({
    ...tensor(name, [1, 4, 3, 3], 'image', 'transient'),
    bits,
  });
  test('widens what it loads and rounds what it stores, where that is of 16 bits', () => {
    const call = addCall(image('a', 16), image('b', 32), image('y', 16));
    expect(sourceOf(call)).toMatchInlineSnapshot(`
      "enable f16;
      const SIZE4 = 9;
      const ADDEND = false;
      @group(0) @binding(0) var<storage, read> a: array<vec4h>;
      @group(0) @binding(1) var<storage, read> b: array<vec4f>;
      @group(0) @binding(2) var<storage, read_write> y: array<vec4h>;
      @compute @workgroup_size(64)
      fn add(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
        let v = i32(id.y * groups.x * 64u + id.x);
        if (v < SIZE4) {
          y[v] = vec4h(vec4f(a[v]) + b[v]);
        }
      }"
    `);
  });
  test('is what stands in the file where nothing is of 16 bits', () => {
    const call = addCall(image('a', 32), image('b', 32), image('y', 32));
    expect(sourceOf(call)).toContain('y[v] = a[v] + b[v];');
    expect(sourceOf(call)).not.toContain('enable');
  });
  test('keeps what two dispatches share in one kernel', () => {
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => image(name, 16));
    const calls = [addCall(a!, b!, c!), addCall(a!, d!, e!)];
    const [joined] = coalesce(calls.map((call) => ({ ...call, phase: 'backward', path: '' })));
    const code = sourceOf(joined!);
    expect(code.startsWith('enable f16;\n')).toBe(true);
    expect(code.match(/array<vec4h>/g)).toHaveLength(5);
  });
  const bindings = [read(image('x', 16)), write(image('y', 16))];
  const kernel = (body: string, element = 'vec4f') =>
    [
      `@group(0) @binding(0) var<storage, read> x: array<${element}>;`,
      '@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;',
      body,
    ].join('\n');
  test.each([
    ['y[i] = x[i];', 'y[i] = vec4h(vec4f(x[i]));'],
    // Indices in indices, several lines, members and comparisons.
    ['y[at[i]] =\n  a +\n  x[j[k[1]] + 1];', 'y[at[i]] = vec4h(a +\n  vec4f(x[j[k[1]] + 1]));'],
    ['let e = x[p + c.x / 4][c.x % 4];', 'let e = vec4f(x[p + c.x / 4])[c.x % 4];'],
    ['if (all(x[i] == x[j])) {', 'if (all(vec4f(x[i]) == vec4f(x[j]))) {'],
    ['let z = s.x[1] + x_1[2] + max_x[3];', 'let z = s.x[1] + x_1[2] + max_x[3];'],
  ])('%s', (body, want) => {
    expect(narrowed(kernel(body), bindings).split('\n').slice(2).join('\n')).toBe(want);
  });
  test('is refused where it does otherwise', () => {
    expect(() => narrowed(kernel('y[i] += x[i];'), bindings)).toThrow(/can only be assigned/);
    expect(() => narrowed(kernel('', 'vec4u'), bindings)).toThrow(/array<vec4u>, which cannot/);
  });
});

/** A training step of residual-20 as the engine plans it. */
function step(storage: Precision, tuning: TuningName = 'gpu'): Lowered {
  const input = { channels: 3, height: 16, width: 16 };
  const spec = cifarNetwork({ depth: 20, residual: true, width: 8, input, classes: 10 });
  const graph = fuse(buildGraph(spec, 32));
  const named = (
    entries: ReturnType<typeof graphParameters> | ReturnType<typeof graphState>,
    kind: Tensor['storage'],
  ) => new Map(entries.map(({ name, shape, layout }) => [name, tensor(name, shape, layout, kind)]));
  const flat = (name: string) => tensor(name, [1024], 'flat', 'parameter');
  return lower(
    graph,
    {
      parameters: named(graphParameters(graph), 'parameter'),
      gradients: named(graphParameters(graph), 'gradient'),
      state: named(graphState(graph), 'state'),
      update: [{ weight: flat('w'), gradient: flat('g'), first: flat('v') }],
      ...(storage === 'f16' && { lossScale: tensor('loss scale', [4], 'flat', 'external') }),
    },
    { mode: 'train', tuning: TUNINGS[tuning], storage },
  );
}

describe('a training step', () => {
  const [half, full] = [step('f16'), step('f32')];
  test('takes half the bytes for activations and their gradients, and no less for anything else', () => {
    const [lives, wide] = [half, full].map(({ dispatches }) => lifetimes(dispatches, []));
    const same = new Map(wide!.map((life) => [life.tensor.name, life]));
    const exact = ['probabilities', 'log probabilities', 'd(logits)', half.logits.name];
    for (const { tensor: found, bytes } of lives!) {
      const { name, layout } = found;
      const whole = same.get(name);
      if (name === 'overflows') continue;
      const halved = layout === 'image' && !exact.includes(name);
      expect(bytes, name).toBe(whole!.bytes / (halved ? 2 : 1));
    }
    const [a, b] = [half, full].map(
      ({ dispatches, logits, summary }) => plan(coalesce(dispatches), [logits, summary]).lowerBound,
    );
    expect(a! / b!).toBeLessThan(0.55);
  });
  test.each(TUNING_NAMES)(
    'converts wherever it touches them, in the kernels of tuning %s',
    (tuning) => {
      for (const call of step('f16', tuning).dispatches) {
        const code = sourceOf(call);
        for (const [k, { tensor: bound }] of call.bindings.entries()) {
          if (bound.bits !== 16) continue;
          const name = new RegExp(`@binding\\(${k}\\) var<[^>]*> (\\w+)`).exec(code)![1]!;
          const count = (pattern: string) => code.match(new RegExp(pattern, 'g'))?.length ?? 0;
          const places = count(`(?<![.\\w])${name}\\[`);
          const loads = count(`vec4f\\(${name}\\[`);
          const stores = count(`\\s${name}\\[.*\\] = vec4h\\(`);
          expect(places, `${call.entry} ${name}`).toBeGreaterThan(0);
          expect(loads + stores, `${call.entry} ${name}`).toBe(places);
        }
      }
    },
  );
  test('binds weights, their gradients and what is summed as f32', () => {
    for (const { bindings, entry } of half.dispatches) {
      for (const { tensor: bound } of bindings) {
        if (bound.bits !== 16) continue;
        expect([bound.storage, bound.layout], `${entry} ${bound.name}`).toEqual([
          'transient',
          'image',
        ]);
      }
    }
  });
  test('scales the gradient of the loss, and divides those of weights before the update', () => {
    const entries = ({ dispatches }: Lowered) => dispatches.map(({ entry }) => entry);
    expect(entries(half)).toEqual([...entries(full).slice(0, -1), 'unscale', 'adjust', 'sgd']);
    const gradient = half.dispatches.find(({ entry }) => entry === 'softmax_cross_entropy_grad');
    expect(sourceOf(gradient!)).toContain('gradient *= loss_scale[0];');
    expect(sourceOf(half.dispatches.at(-1)!)).toContain('if (loss_scale[3] == 0.0) {');
    for (const call of full.dispatches) {
      expect(sourceOf(call), call.entry).not.toMatch(/f16|vec4h|loss_scale/);
    }
  });
});
