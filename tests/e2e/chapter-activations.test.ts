/** The chapter on activations in a real browser: its numbers against formulas and plain loops, run here. */
import { expect, type Page } from '@playwright/test';
import { normal, streamOf } from '../../src/random.ts';
import { erf } from '../../src/reference/activations.ts';
import { expectFits, present, test } from './page.ts';

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const Phi = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;
const phi = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const geluTanh = (x: number) =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Functions and derivatives, as a textbook has them. */
const FUNCTIONS: Record<string, [(x: number) => number, (x: number) => number]> = {
  sigmoid: [logistic, (x) => logistic(x) * (1 - logistic(x))],
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  relu: [(x) => Math.max(0, x), (x) => (x > 0 ? 1 : 0)],
  leaky_relu: [(x) => (x > 0 ? x : 0.2 * x), (x) => (x > 0 ? 1 : 0.2)],
  elu: [(x) => (x > 0 ? x : 0.7 * (Math.exp(x) - 1)), (x) => (x > 0 ? 1 : 0.7 * Math.exp(x))],
  silu: [(x) => x * logistic(x), (x) => logistic(x) * (1 + x * (1 - logistic(x)))],
  gelu: [(x) => x * Phi(x), (x) => Phi(x) + x * phi(x)],
  identity: [(x) => x, () => 1],
};

const numbers = async (page: Page, scope = page.locator('.instrument')): Promise<string[]> =>
  scope.locator('.readings dd').allInnerTexts();

test('values and derivatives of all functions are those of their formulas', async ({ page }) => {
  for (const [name, [f, slope]] of Object.entries(FUNCTIONS)) {
    await page.goto(`#/activations?function=${name}&x=-1.35&slope=0.2&alpha=0.7`);
    const expected = ['-1.35', f(-1.35).toFixed(4), slope(-1.35).toFixed(4)];
    await expect.poll(() => numbers(page), { message: name }).toEqual(expected);
  }
});

test('the point is moved by keyboard and by dragging, and says where its numbers come from', async ({
  page,
}) => {
  await page.goto('#/activations?x=2');
  const handle = page.getByRole('slider', { name: 'x', exact: true });
  await handle.press('ArrowRight');
  await expect(page).toHaveURL(/x=2\.05/);
  await handle.press('PageDown');
  await expect(page).toHaveURL(/x=1\.05/);
  await handle.press('Home');
  await expect(page).toHaveURL(/x=-6/);
  const box = (await handle.boundingBox())!;
  await page.mouse.move(box.x + 5, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2, { steps: 3 });
  await page.mouse.up();
  await expect(handle).toHaveAttribute('aria-valuenow', '3');
  await expect.poll(() => numbers(page)).toContain(logistic(3).toFixed(4));
  await page.getByRole('button', { name: /^derivative at x: where/ }).press('Enter');
  await expect(page.getByRole('dialog')).toContainText('activation/activate_grad');
});

/** The stack of the page from the same random numbers, under one function, in plain loops. */
function stack(name: string, { layers, variance, shift, seed }: Record<string, number>) {
  const [width, samples] = [64, 32];
  const drawn = (rows: number, what: string, deviation: number) =>
    Array.from({ length: rows }, (_, n) =>
      Array.from({ length: width }, (_, i) =>
        Math.fround(deviation * normal(seed!, streamOf(what), n * width + i)),
      ),
    );
  const [f, slope] = FUNCTIONS[name]!;
  const weights = Array.from({ length: layers! }, (_, l) =>
    drawn(width, `weight${l + 1}`, Math.sqrt(variance! / width)),
  );
  const h = [drawn(samples, 'x', 1)];
  const z: number[][][] = [];
  for (const weight of weights) {
    z.push(
      h
        .at(-1)!
        .map((row) =>
          weight.map((w) => row.reduce((sum, x, i) => sum + x * w[i]!, Math.fround(shift!))),
        ),
    );
    h.push(z.at(-1)!.map((row) => row.map(f)));
  }
  const top = drawn(samples, 'dL/dy', 1);
  let gradient = top;
  for (let l = layers! - 1; l >= 0; l--) {
    const dz = gradient.map((row, n) => row.map((g, o) => g * slope(z[l]![n]![o]!)));
    gradient = dz.map((row) =>
      Array.from({ length: width }, (_, i) =>
        row.reduce((sum, g, o) => sum + g * weights[l]![o]![i]!, 0),
      ),
    );
  }
  const norm = (rows: number[][]) => Math.hypot(...rows.flat());
  const dead = h.slice(1).map((rows) => {
    const silent = rows[0]!.filter((_, unit) => rows.every((row) => row[unit] === 0));
    return silent.length / width;
  });
  return {
    arrives: norm(gradient) / norm(top),
    dead,
    zeros:
      h
        .at(-1)!
        .flat()
        .filter((value) => value === 0).length /
      (width * samples),
  };
}

test('what arrives through the layers, and which units are dead, is what plain loops find', async ({
  page,
}) => {
  const setting = { layers: 6, variance: 2, shift: -0.3, seed: 4 };
  await page.goto('#/activations?view=depth&layers=6&shift=-0.3&seed=4');
  const shown = page.locator('.activations-arrivals li');
  await expect(shown).toHaveCount(8, { timeout: 60_000 });
  const names = ['sigmoid', 'tanh', 'relu', 'silu', 'gelu', 'identity'];
  const order = Object.keys(FUNCTIONS);
  for (const name of names) {
    const text = await shown.nth(order.indexOf(name)).locator('button').innerText();
    expect(Number(text) / stack(name, setting).arrives, name).toBeCloseTo(1, 1);
  }
  const { dead, zeros } = stack('relu', setting);
  expect(Math.max(...dead)).toBeGreaterThan(0);
  const percents = [dead.reduce((a, b) => a + b) / 6, dead.at(-1)!, zeros];
  expect(await numbers(page)).toEqual(percents.map((share) => `${(100 * share).toFixed(1)}%`));
});

test('under a low bias whole layers of ReLU die, and no gradient arrives', async ({ page }) => {
  await page.goto('#/activations?view=depth&function=relu');
  const relu = page.getByRole('button', { name: /^ReLU: gradient at the input/ });
  await expect(relu).toHaveText(/^0\.\d+$/, { timeout: 60_000 });
  const bias = page.getByRole('slider', { name: 'Bias b' });
  for (let i = 0; i < 10; i++) await bias.press('ArrowLeft');
  await expect(page).toHaveURL(/shift=-1/);
  await expect(relu).toHaveText('0', { timeout: 60_000 });
  await relu.press('Enter');
  await expect(page.getByRole('dialog')).toContainText('conv2d');
});

/** The descent of the page in float64, on one sample a step. */
function descent(f: (x: number) => number, rate: number, seed: number, steps: number) {
  const target = [1, -1.5];
  const a = Array.from({ length: 16 }, (_, n) =>
    [0, 1].map((i) => f(Math.fround(1.5 * normal(seed, streamOf('preactivations'), 2 * n + i)))),
  );
  let w = [-1.5, 1];
  let gradient = [0, 0];
  let same = 0;
  for (let k = 0; k < steps; k++) {
    const sample = a[k % 16]!;
    const delta = sample.reduce((sum, x, i) => sum + x * (w[i]! - target[i]!), 0);
    gradient = sample.map((x) => delta * x);
    if (gradient[0]! * gradient[1]! > 0) same++;
    w = w.map((x, i) => x - rate * gradient[i]!);
  }
  return { gradient, same, distance: Math.hypot(w[0]! - target[0]!, w[1]! - target[1]!) };
}

test('the zig-zag is the path of plain gradient descent', async ({ page }) => {
  await page.goto('#/activations?view=zigzag&step=9&rate=0.8&seed=3');
  for (const [name, f] of [
    ['Inputs from sigmoid: all positive', logistic],
    ['Inputs from tanh: centred on 0', Math.tanh],
  ] as const) {
    const region = page.getByRole('region', { name });
    await expect(region).toBeVisible({ timeout: 60_000 });
    const { gradient, same, distance } = descent(f, 0.8, 3, 9);
    const [components = '', count, far] = await numbers(page, region);
    const shown = components
      .replaceAll('−', '-')
      .match(/[-+][\d.e-]+/g)!
      .map(Number);
    // The page says three digits.
    expect(shown).toHaveLength(2);
    shown.forEach((value, i) => expect(value / gradient[i]! - 1).toBeCloseTo(0, 2));
    expect(count).toBe(`${same} of 9 steps`);
    expect(far).toBe(distance.toFixed(3));
    if (f === logistic) expect(same).toBe(9);
    else expect(same).toBeLessThan(9);
  }
  await page.getByRole('slider', { name: 'Step' }).press('ArrowRight');
  await expect(page.getByText('10 of 10 steps')).toBeVisible();
});

test('GELU is x times a probability, and its tanh form nearly so', async ({ page }) => {
  await page.goto('#/activations?view=gelu&x=0.7');
  await page.getByRole('slider', { name: 'x on the bell curve' }).press('ArrowRight');
  const x = 0.75;
  const errors = Array.from({ length: 241 }, (_, i) => i * 0.05 - 6).map((at) =>
    Math.abs(geluTanh(at) - at * Phi(at)),
  );
  await expect
    .poll(async () => (await numbers(page)).slice(0, 4))
    .toEqual(['0.75', Phi(x).toFixed(4), (x * Phi(x)).toFixed(4), geluTanh(x).toFixed(4)]);
  const [off, most] = (await numbers(page)).slice(4).map(Number);
  expect(Math.abs(off! - (geluTanh(x) - x * Phi(x)))).toBeLessThan(1e-5);
  expect(Math.abs(most! - Math.max(...errors))).toBeLessThan(2e-6);
  // Where x is 0 the probability is read off the derivative.
  await page.goto('#/activations?view=gelu&x=0');
  await expect.poll(async () => (await numbers(page))[1]).toBe('0.5000');
});

test('fits every screen in both languages, and stands alone in another page', async ({ page }) => {
  for (const view of ['zigzag', 'depth&layers=4', 'gelu', 'curves']) {
    await page.goto(`#/activations?view=${view}`);
    await expect(page.locator('.instrument .readings').first()).toBeVisible({ timeout: 60_000 });
    await expectFits(page);
  }
  await page.goto('#/activations?embed=1&hide=view&view=gelu');
  await expect(page.getByRole('slider', { name: 'x on GELU' })).toBeVisible();
  await expect(page.getByRole('radio', { name: 'Zig-zag' })).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 2 })).toHaveCount(0);
});

test('fits the projector, state by state', async ({ page }) => {
  await present(page, 'activations', 10);
});
