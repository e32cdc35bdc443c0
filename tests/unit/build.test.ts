/** The builder behind its buttons: history, rows, forms, the drawing, text of layers; and networks that make no sense. */
import { describe, expect, it } from 'vitest';
import { actionsOn } from '../../src/app/build/actions.ts';
import { fromText, selected, toText } from '../../src/app/build/clipboard.ts';
import { networkIn, queryOf } from '../../src/app/build/draft.ts';
import { fieldsOf, formatText, parseText, refusalOf } from '../../src/app/build/fields.ts';
import { MENU, digest, freshLayer, kindOf } from '../../src/app/build/layers.ts';
import { landing, rowsOf, summaries } from '../../src/app/build/rows.ts';
import { sceneOf } from '../../src/app/build/scene.ts';
import { stepTime } from '../../src/app/build/stepTime.ts';
import { createBoard, foldedAtFirst } from '../../src/app/build/store.ts';
import { pack } from '../../src/app/packed.ts';
import { DEFAULTS } from '../../src/app/settings.ts';
import { FathomError } from '../../src/errors.ts';
import { specOf } from '../../src/lab/networks.ts';
import { eachLayer, insert, move, remove, wrap } from '../../src/network/edit.ts';
import type { Address } from '../../src/network/edit.ts';
import { factsOf } from '../../src/network/facts.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { parseNetwork, readNetwork } from '../../src/network/file.ts';
import { checkTrainable } from '../../src/network/fit.ts';
import { buildGraph, stepFlops } from '../../src/network/graph.ts';
import { layerParams, networkSpec } from '../../src/network/spec.ts';
import type { LayerSpec, NetworkSpec } from '../../src/network/spec.ts';
import { TEMPLATE_IDS, template } from '../../src/network/templates.ts';
import { ops } from '../../src/ops/table.ts';
import { uniform } from '../../src/random.ts';

const input = { channels: 3, height: 16, width: 16 };
const cifar = (depth: number) =>
  networkSpec.parse(cifarNetwork({ depth, residual: true, width: 16, input, classes: 10 }));
const NOTHING: ReadonlySet<string> = new Set();
const rows = (spec: NetworkSpec, folded = NOTHING) => rowsOf(spec.layers, factsOf(spec), folded);

describe('the history', () => {
  it('goes back to the beginning and forward to the end', () => {
    const board = createBoard(cifar(8));
    const specs = [board.getState().spec];
    for (let i = 0; i < 300; i++) {
      const { spec, edit } = board.getState();
      edit(insert(spec, [i % 4], [{ type: 'gelu', name: 'gelu' }]));
      specs.push(board.getState().spec);
    }
    for (const spec of specs.toReversed().slice(1)) {
      board.getState().undo();
      expect(board.getState().spec).toBe(spec);
    }
    board.getState().undo();
    expect(board.getState().spec).toBe(specs[0]);
    for (const spec of specs.slice(1)) {
      board.getState().redo();
      expect(board.getState().spec).toBe(spec);
    }
    // What is changed after going back replaces what came after.
    board.getState().undo();
    board.getState().edit(remove(board.getState().spec, [0]));
    expect(board.getState().future).toEqual([]);
  });

  it('keeps no selection of what is gone', () => {
    const board = createBoard(cifar(8));
    board.getState().select({ address: [7], count: 1 });
    board.getState().edit(remove(board.getState().spec, [7]));
    expect(board.getState().selection).toBeNull();
    board.getState().select({ address: [5], count: 2 });
    board.getState().edit(remove(board.getState().spec, [6]));
    expect(board.getState().selection).toEqual({ address: [5], count: 1 });
  });
});

describe('layers move from list to list', () => {
  const net = cifar(8);
  const order = (spec: NetworkSpec) => [...eachLayer(spec.layers)].map(({ path }) => path);
  /** A board with a selection, and what is done there. */
  const begin = (address: Address, count = 1, spec = net) => {
    const board = createBoard(spec);
    board.getState().select({ address, count });
    const names = () => {
      const { spec, selection } = board.getState();
      return selected(spec, selection).map(({ name }) => name);
    };
    return { board, names, actions: actionsOn(board), now: () => board.getState().spec };
  };

  it('into the block behind or before, and out again to where they were', () => {
    // bn1 and relu, before layer1; then avgpool, behind layer3.
    for (const [address, count, inside] of [
      [[1], 2, ['layer1.bn1', 'layer1.relu', 'layer1.0']],
      [[6], 1, ['layer3.0', 'layer3.avgpool']],
    ] as const) {
      const { board, names, actions, now } = begin(address, count);
      board.getState().foldAll(true);
      const moved = names();
      actions.enter();
      const stage = inside[0].split('.')[0]!;
      expect(
        order(now()).filter((path) => path.startsWith(`${stage}.`) && path.split('.').length === 2),
      ).toEqual(inside);
      expect(names()).toEqual(moved);
      // What is moved is seen.
      expect(board.getState().folded.has(stage)).toBe(false);
      actions.leave();
      expect(now().layers).toEqual(net.layers);
      expect(names()).toEqual(moved);
    }
  });

  it('past the addition of a block, and nowhere where there is no block', () => {
    const body = [3, 0, 'body'] as const;
    const { names, actions, now, board } = begin([...body, 4]);
    const before = order(now());
    actions.shift(1);
    expect(names()).toEqual(['bn2']);
    expect(board.getState().selection?.address).toEqual([3, 0, 'after', 0]);
    actions.shift(-1);
    expect(order(now())).toEqual(before);
    expect(board.getState().selection?.address).toEqual([...body, 4]);

    const alone = begin([0]);
    for (const act of ['enter', 'leave'] as const) alone.actions[act]();
    alone.actions.shift(-1);
    expect(alone.now()).toBe(net);
  });

  it('several at once, and not into themselves', () => {
    expect(order(move(net, [0], [7], 3)).slice(0, 2)).toEqual(['layer1', 'layer1.0']);
    expect(
      move(net, [0], [7], 3)
        .layers.slice(3, 7)
        .map(({ name }) => name),
    ).toEqual(['avgpool', 'conv1', 'bn1', 'relu']);
    expect(move(net, [2], [3, 0], 2)).toBe(net);
    expect(move(net, [7], [0], 2)).toBe(net);
  });
});

describe('the list', () => {
  it('is as short for 110 layers as for 8', () => {
    for (const depth of [8, 20, 56, 110]) {
      const spec = cifar(depth);
      expect(rows(spec, foldedAtFirst(spec)).length, String(depth)).toBeLessThanOrEqual(32);
    }
    expect(rows(cifar(110)).length).toBeGreaterThan(300);
  });

  it('sums up what is in a block', () => {
    const spec = cifar(20);
    const facts = factsOf(spec);
    const known = summaries(facts.layers);
    const tops = spec.layers.map(({ name }) => known.get(name)!);
    for (const key of ['parameters', 'flops', 'bytes'] as const) {
      expect(tops.reduce((sum, each) => sum + each[key], 0)).toBe(facts[key]);
    }
    expect(known.get('layer3')).toMatchObject({ shape: [64, 4, 4] });
    expect(known.get('layer1.0')!.parameters).toBe(2 * (16 * 16 * 9 + 32));
  });

  it('marks what does not fit, and says so where it is folded away', () => {
    const broken = { type: 'group_norm', name: 'gn', groups: 5 } as const;
    const spec = insert(cifar(8), [3, 0, 'body', 1], [broken]);
    const at = (folded: string[], path: string) =>
      rows(spec, new Set(folded)).find((row) => row.path === path);
    expect(at([], 'layer1.0.gn')?.fault?.message).toMatch(/5 groups do not divide the 16 channels/);
    expect(at(['layer1'], 'layer1')?.hiddenFaults).toBe(1);
    expect(at(['layer2'], 'layer2')?.hiddenFaults).toBe(0);
  });

  it('lets a layer be dropped before, behind and into what is there', () => {
    const spec = insert(cifar(8), [8], [freshLayer('residual', { shape: [10], classes: 10 })]);
    const all = rows(spec);
    const row = (kind: string, path: string) =>
      all.find((each) => each.kind === kind && each.path === path)!;
    expect(landing(row('layer', 'conv1'), 'upper')).toEqual([0]);
    expect(landing(row('layer', 'conv1'), 'lower')).toEqual([1]);
    expect(landing(row('layer', 'layer1.0'), 'lower')).toEqual([3, 0, 'body', 0]);
    expect(landing(row('sum', 'layer1.0'), 'upper')).toEqual([3, 0, 'body', 5]);
    expect(landing(row('sum', 'layer1.0'), 'lower')).toEqual([3, 0, 'after', 0]);
    expect(landing(row('empty', 'block.'), 'lower')).toEqual([8, 'body', 0]);
  });
});

describe('menu and forms', () => {
  it('offer every op that a network may name, once', () => {
    const offered = MENU.flatMap(({ types }) => types);
    const named = Object.keys(layerParams).filter((type) => type in ops);
    expect([...offered].sort()).toEqual(named.sort());
    expect(kindOf('residual')).toBe('block');
  });

  it.each(Object.keys(layerParams) as LayerSpec['type'][])('make a %s that is a layer', (type) => {
    const layer = freshLayer(type, { shape: [12, 8, 8], classes: 10 });
    const spec = { version: 1, name: '', input, classes: 10, layers: [layer] };
    expect(networkSpec.safeParse(spec).success).toBe(true);
    expect(typeof digest(layer)).toBe('string');
    for (const { name, field, initial, sentence } of fieldsOf(layerParams[type])) {
      if (initial !== undefined) expect(refusalOf(layerParams[type], name, initial)).toBeNull();
      if (type in ops) expect(sentence, name).not.toBe('');
      if (field.kind === 'choice') {
        for (const option of field.options) {
          expect(refusalOf(layerParams[type], name, option)).toBeNull();
        }
      }
      if (field.kind === 'number' && field.least > -1e6) {
        expect(refusalOf(layerParams[type], name, field.least - 1)).not.toBeNull();
      }
    }
  });

  it('know which control suits', () => {
    const kinds = Object.fromEntries(
      fieldsOf(layerParams.conv2d).map(({ name, field }) => [name, field.kind]),
    );
    expect(kinds).toEqual({
      out_channels: 'number',
      kernel: 'text',
      stride: 'text',
      padding: 'text',
      dilation: 'text',
      groups: 'number',
      bias: 'switch',
      init: 'variant',
    });
    const norm = fieldsOf(layerParams.residual).find(({ name }) => name === 'projection_norm');
    expect(norm?.field).toMatchObject({ kind: 'variant', tag: 'type', nullable: true });
  });

  it.each([
    ['3', 3],
    ['3×5', [3, 5]],
    [' 0 0 1, 1', [0, 0, 1, 1]],
    ['same', 'same'],
    ['', undefined],
  ])('read "%s"', (text, value) => {
    expect(parseText(text)).toEqual(value);
    expect(parseText(formatText(value))).toEqual(value);
  });
});

describe('layers as text', () => {
  it('are what was copied', () => {
    const spec = cifar(8);
    const layers = selected(spec, { address: [2], count: 3 });
    expect(layers.map(({ name }) => name)).toEqual(['relu', 'layer1', 'layer2']);
    expect(fromText(toText(layers))).toEqual(layers);
    expect(fromText(JSON.stringify(layers[1]))).toEqual([layers[1]]);
    expect(fromText(JSON.stringify(layers))).toEqual(layers);
    expect(fromText(JSON.stringify(spec))).toEqual(spec.layers);
  });

  it.each(['hello', '{}', '42', '[{"type":"conv2d"}]', '{"layers":[null]}'])(
    'that are none are refused: %s',
    (text) => expect(() => fromText(text)).toThrow(FathomError),
  );
});

describe('the drawing', () => {
  it.each(TEMPLATE_IDS)('of %s has every layer once, from left to right', (id) => {
    const spec = template(id, { input, classes: 10 });
    const scene = sceneOf(spec, factsOf(spec), NOTHING);
    const leaves = [...eachLayer(spec.layers)].filter(
      ({ layer }) => layer.type !== 'stage' && layer.type !== 'residual',
    );
    expect(scene.pieces.map(({ path }) => path)).toEqual(['', ...leaves.map(({ path }) => path)]);
    for (const [i, piece] of scene.pieces.entries()) {
      const next = scene.pieces[i + 1];
      if (next) expect(next.x).toBeGreaterThanOrEqual(piece.x + piece.width);
      expect(piece.x + piece.width + piece.depth).toBeLessThanOrEqual(scene.width);
      expect(piece.height / 2 + piece.depth).toBeLessThan(scene.axis);
    }
    for (const { from, to, y } of scene.arcs) {
      expect(to).toBeGreaterThan(from);
      expect(y).toBeLessThan(scene.axis);
    }
  });

  it('of 110 layers is no wider than that of 20, folded', () => {
    const width = (depth: number) => {
      const spec = cifar(depth);
      return sceneOf(spec, factsOf(spec), foldedAtFirst(spec)).width;
    };
    expect(width(110)).toBeLessThan(width(20));
  });
});

describe('the expected time of a step', () => {
  it('is exact for a network that was timed, and in proportion to the work between them', () => {
    const data = { channels: 3, classes: Array.from({ length: 10 }, String) };
    const timed = { config: DEFAULTS, milliseconds: { 'residual-8': 4, 'residual-14': 7 } };
    const { size, batch } = DEFAULTS;
    const flops = (id: string) =>
      stepFlops(buildGraph(specOf(id, DEFAULTS, { ...data, height: size, width: size }), 1));
    expect(stepTime(timed, DEFAULTS, data, flops('residual-8'))).toBeCloseTo(4, 9);
    expect(stepTime(timed, DEFAULTS, data, flops('residual-14'))).toBeCloseTo(7, 9);
    expect(stepTime(timed, DEFAULTS, data, flops('residual-20'))).toBeCloseTo(10, 1);
    expect(stepTime(timed, { ...DEFAULTS, batch: batch * 2 }, data, 1)).toBeNull();
  });
});

describe('networks that make no sense', () => {
  const SEED = 29;
  let draws = 0;
  const draw = (count: number) => Math.floor(uniform(SEED, 0, draws++) * count);
  const of = <T>(list: readonly T[]): T => list[draw(list.length)]!;

  /** Any value where a parameter is expected. */
  const anything = () =>
    of<unknown>([0, -1, 1, 2, 7, 1e9, 0.5, NaN, '', 'same', null, true, [], [3, 3], [1, 2, 3], {}]);

  /** A layer of any type, with parameters of which some are right. */
  function anyLayer(depth: number): Record<string, unknown> {
    const type = of(Object.keys(layerParams) as LayerSpec['type'][]);
    const layer: Record<string, unknown> = {
      ...freshLayer(type, { shape: [of([1, 3, 8, 30])], classes: 10 }),
    };
    if (draw(3) === 0) {
      const fields = fieldsOf(layerParams[type]);
      if (fields.length > 0) layer[of(fields).name] = anything();
    }
    if (draw(20) === 0) layer[of(['name', 'type', 'extra'])] = anything();
    for (const list of ['layers', 'body', 'after']) {
      if (list in layer && depth > 0) layer[list] = anyLayers(depth - 1);
    }
    return layer;
  }
  const anyLayers = (depth: number) => Array.from({ length: draw(5) }, () => anyLayer(depth));

  it('are refused in words, as files, links and on the board, and none crashes', () => {
    const counts = { misread: 0, misfit: 0, fine: 0 };
    for (let trial = 0; trial < 1500; trial++) {
      const value: Record<string, unknown> = {
        version: 1,
        name: 'any',
        input: { channels: of([1, 3]), height: of([1, 5, 16]), width: of([1, 8, 16]) },
        classes: 10,
        layers: anyLayers(3),
      };
      if (draw(25) === 0) value[of(Object.keys(value))] = anything();
      // A network that begins and ends well is wrong inside.
      const inner = value.layers;
      if (Array.isArray(inner) && draw(2) === 0) {
        value.layers = [
          ...(inner as unknown[]),
          { type: 'global_avg_pool', name: 'end' },
          { type: 'linear', name: 'logits', out_features: 10 },
        ];
      }
      let spec: NetworkSpec;
      try {
        spec = parseNetwork(JSON.stringify(value));
      } catch (error) {
        expect(error).toBeInstanceOf(FathomError);
        expect((error as Error).message).toMatch(/^[\w[\].]+: ./);
        expect(() => networkIn(`net=${pack(value)}`)).toThrow(FathomError);
        counts.misread++;
        continue;
      }
      // What can be read comes back from link and file as it was.
      expect(networkIn(queryOf(spec))).toEqual(spec);
      expect(readNetwork(JSON.parse(JSON.stringify(spec)))).toEqual(spec);

      const facts = factsOf(spec);
      for (const folded of [NOTHING, foldedAtFirst(spec), new Set(['block', 'stage'])]) {
        const shown = rowsOf(spec.layers, facts, folded);
        const scene = sceneOf(spec, facts, folded);
        for (const { x, width, height } of scene.pieces) {
          expect(Number.isFinite(x + width + height)).toBe(true);
        }
        // Every fault is said somewhere: at its layer, at an addition, at a fold, at the end.
        const said =
          shown.filter(({ fault }) => fault).length +
          shown.reduce((sum, { hiddenFaults }) => sum + hiddenFaults, 0) +
          Number(facts.faults.has(''));
        if (facts.faults.size > 0) expect(said).toBeGreaterThan(0);
        expect(
          scene.pieces.some(({ faulty }) => faulty) || scene.arcs.some(({ faulty }) => faulty),
        ).toBe([...facts.faults.keys()].some((path) => path !== ''));
      }
      for (const fault of facts.faults.values()) expect(fault.message.length).toBeGreaterThan(5);
      let refused: unknown = null;
      try {
        checkTrainable(spec);
      } catch (error) {
        refused = error;
      }
      if (refused === null) counts.fine++;
      else {
        expect(refused).toBeInstanceOf(FathomError);
        counts.misfit++;
      }
      if (facts.faults.size > 0) expect(refused).not.toBeNull();
      // Hands go on working on it.
      const all = [[0], ...[...eachLayer(spec.layers)].map(({ address }) => address)];
      const edited = of([
        () => remove(spec, of(all)),
        () => wrap(spec, of(all)),
        () => move(spec, of(all), of(all)),
      ])();
      expect(networkSpec.safeParse(edited).success).toBe(true);
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
  });
});
