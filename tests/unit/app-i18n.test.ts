import { readFileSync, readdirSync } from 'node:fs';
import i18next from 'i18next';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import en from '../../src/app/i18n/en.json';
import zh from '../../src/app/i18n/zh.json';
import { CHAPTER_IDS } from '../../src/app/chapters/chapter.ts';
import type { Chapter } from '../../src/app/chapters/chapter.ts';
import { PAGE_IDS } from '../../src/app/pages.ts';
import { BUILTIN_CLASSES } from '../../src/data/builtin.ts';
import { errorSentence, preferredLanguage } from '../../src/app/i18n/index.ts';
import { FathomError } from '../../src/errors.ts';
import { specOf } from '../../src/lab/networks.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { parseNetwork } from '../../src/network/file.ts';
import { describeError } from '../../src/worker/failure.ts';
import type { Failure } from '../../src/worker/protocol.ts';

// Chapters reach for the window when they are loaded.
vi.stubGlobal('window', { matchMedia: () => ({ matches: false, addEventListener: vi.fn() }) });
afterAll(() => void vi.unstubAllGlobals());

type Words = { [key: string]: string | Words };

/** `a.b.c` → sentence. */
function flatten(words: Words, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(words).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[prefix + key, value] as const]
        : [...flatten(value, `${prefix}${key}.`)],
    ),
  );
}

const modules = import.meta.glob('../../src/app/chapters/*/index.tsx');

/** A chapter's folder, its definition and its texts. */
const CHAPTERS = await Promise.all(
  CHAPTER_IDS.map(async (id) => {
    const folder = `src/app/chapters/${id}`;
    const { default: chapter } = (await modules[`../../${folder}/index.tsx`]!()) as {
      default: Chapter;
    };
    const read = (language: string) =>
      flatten(JSON.parse(readFileSync(`${folder}/${language}.json`, 'utf8')) as Words);
    return { id, folder, chapter, english: read('en'), chinese: read('zh') };
  }),
);

/** The pages beside experiment and chapters: their folders, and their texts. */
const PAGES = PAGE_IDS.map((id) => {
  const folder = `src/app/${id}`;
  const read = (language: string) =>
    flatten(JSON.parse(readFileSync(`${folder}/${language}.json`, 'utf8')) as Words);
  return { id, folder, english: read('en'), chinese: read('zh') };
});

const english = flatten(en);
const chinese = flatten(zh);
const placeholders = (text: string | undefined) =>
  [...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();

describe.each([{ id: 'the page', english, chinese }, ...CHAPTERS, ...PAGES])(
  'the words of $id',
  ({ english, chinese }) => {
    it('are the same set in both languages', () => {
      expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
    });

    it('are never empty and take the same values', () => {
      for (const [key, text] of english) {
        expect(text, key).not.toBe('');
        expect(chinese.get(key), key).not.toBe('');
        expect(placeholders(chinese.get(key)), key).toEqual(placeholders(text));
      }
    });

    it('of Chinese sentences are punctuated in Chinese', () => {
      for (const [key, text] of chinese) {
        expect(text, key).not.toMatch(/[\u4e00-\u9fff][,:;?!]|[,:;?!][\u4e00-\u9fff]/);
      }
    });
  },
);

describe.each(CHAPTERS)('the words of $id', ({ folder, chapter, english }) => {
  it('are all used, and all that are used are there', () => {
    const frame = [
      ...['title', 'lead'],
      ...(chapter.views?.names.map((view) => `guide.${view}.`) ?? ['']).flatMap((at) =>
        ['action', 'see', 'question', 'answer'].map((text) => at + text),
      ),
      ...chapter.states.map(({ name }) => `states.${name}`),
      ...chapter.tries.map(({ name }) => `tries.${name}`),
    ];
    expectUsed(sourcesIn(folder).join('\n'), english, frame);
  });
});

describe.each(PAGES)('the words of $id', ({ folder, english }) => {
  it('are all used, and all that are used are there', () => {
    expectUsed(sourcesIn(folder).join('\n'), english, []);
  });
});

describe('the words of the page', () => {
  it('are all used, and all that are used are there', () => {
    const page = sourcesIn('src/app').filter((code) => !code.includes("useTranslation('"));
    const others = [...CHAPTERS, ...PAGES]
      .flatMap(({ folder }) => sourcesIn(folder))
      // There `t` means the words of the chapter or the page.
      .map((code) => code.replaceAll(/\bt\(/g, 'own(').replaceAll(/\bcommon\(/g, 't('));
    expectUsed(
      [...page, ...others].join('\n'),
      english,
      PAGE_IDS.map((id) => `pages.${id}`),
    );
  });
  it('name every class of the built-in pictures', () => {
    expect(Object.keys(en.data.shapes).sort()).toEqual([...BUILTIN_CLASSES].sort());
  });

  it('have a sentence for every error that can reach the page', () => {
    const codes = sources('src').flatMap((file) =>
      [
        ...readFileSync(file, 'utf8').matchAll(/(?:new FathomError\(\s*|\bcode: )'([a-z0-9-]+)'/g),
      ].map(([, code]) => code ?? ''),
    );
    expect(codes).toContain('no-adapter');
    expect(new Set(codes)).toEqual(new Set(Object.keys(en.error)));
  });
});

/** Expects every word to be asked for in `code` or to be among `known`, and every word that is asked for to be there. */
function expectUsed(code: string, english: Map<string, string>, known: readonly string[]): void {
  const literal = new Set(
    [...code.matchAll(/'([\w-]+(?:\.[\w-]+)+)'|'(\w+)'/g)].map(([, a, b]) => a ?? b),
  );
  const templates = [...code.matchAll(/\bt\(`([^`]*)`/g)].map(
    ([, text = '']) =>
      new RegExp(`^${text.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[\\w-]+')}$`),
  );
  const unused = [...english.keys()].filter(
    (key) =>
      !literal.has(key) &&
      !known.includes(key) &&
      !templates.some((template) => template.test(key)),
  );
  expect(unused).toEqual([]);
  const asked = [...code.matchAll(/\bt\('([^']+)'/g)].map(([, key = '']) => key);
  expect(asked.length).toBeGreaterThan(0);
  expect([...asked, ...known].filter((key) => !english.has(key))).toEqual([]);
  for (const template of templates) {
    expect(
      [...english.keys()].filter((key) => template.test(key)),
      String(template),
    ).not.toEqual([]);
  }
}

/** The text of every program file in a folder. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
}

/** Source files whose errors can reach the page: the command line, the library and the oracle stay outside it. */
function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .filter(
      (file) => !/^(cli|conformance|reference)\b|^network\/reference\.ts|^library\.ts/.test(file),
    )
    .map((file) => `${folder}/${file}`);
}

describe('a network that is refused', () => {
  beforeAll(async () => {
    await i18next.init({
      resources: { en: { translation: en }, zh: { translation: zh } },
      interpolation: { escapeValue: false },
      showSupportNotice: false,
    });
  });
  const conv = { type: 'conv2d', name: 'conv', out_channels: 8, kernel: 3 };
  const network = (...layers: unknown[]) => ({
    version: 1,
    name: 'net',
    input: { channels: 3, height: 8, width: 8 },
    classes: 10,
    layers,
  });
  const deep = () => {
    let inner: unknown = conv;
    for (let i = 0; i < 30; i++) inner = { type: 'stage', name: 'stage', layers: [inner] };
    return inner;
  };
  /** What is thrown, as it comes to the page, in both languages. */
  async function said(attempt: () => unknown): Promise<string[]> {
    let failure: Failure | null = null;
    try {
      attempt();
    } catch (error) {
      expect(error).toBeInstanceOf(FathomError);
      failure = describeError(error);
    }
    const sentences = [];
    for (const language of ['en', 'zh']) {
      await i18next.changeLanguage(language);
      sentences.push(failure ? errorSentence(failure) : '');
    }
    return sentences;
  }

  it.each([
    [{ ...network(), version: 2 }, 'version: must be one of: 1', 'version：只能是以下之一：1'],
    [
      network({ ...conv, type: 'conv3d' }),
      'layers[0].type: there is no layer of this type',
      'layers[0].type：没有这种类型的层',
    ],
    [
      network({ ...conv, kernel: -3 }),
      'layers[0].kernel: must be 1 or more',
      'layers[0].kernel：不得小于 1',
    ],
    [
      network({ ...conv, name: 'a b' }),
      'layers[0].name: a name consists of letters, digits and _',
      'layers[0].name：名称只能用字母、数字和 _',
    ],
    [
      network({ ...conv, size: 1 }),
      'layers[0]: has nothing called size',
      'layers[0]：没有名为 size 的项',
    ],
    [
      network({ ...conv, out_channels: undefined }),
      'layers[0].out_channels: is missing',
      'layers[0].out_channels：缺少此项',
    ],
    [
      network({ ...conv, out_channels: '8' }),
      'layers[0].out_channels: must be a number',
      'layers[0].out_channels：应为数字',
    ],
    [
      network({ ...conv, padding: 'much' }),
      'layers[0].padding: does not take this value',
      'layers[0].padding：不能取这个值',
    ],
    [
      network({ type: 'dropout', name: 'drop', drop_probability: 2 }),
      'layers[0].drop_probability: must be 1 or less',
      'layers[0].drop_probability：不得大于 1',
    ],
    [[], 'JSON: must be an object in braces { }', 'JSON：应为花括号 { } 括起的对象'],
    [network(deep()), 'The network is nested more than 48 levels deep.', '网络嵌套超过 48 级。'],
  ])('as a file says where and why: %#', async (value, english, chinese) => {
    expect(await said(() => parseNetwork(JSON.stringify(value)))).toEqual([english, chinese]);
  });

  it('by a data set says at which layer', async () => {
    const pool = { type: 'max_pool2d', name: 'pool', kernel: 6 };
    const end = [
      { type: 'flatten', name: 'flatten' },
      { type: 'linear', name: 'fc', out_features: 10 },
    ];
    const spec = parseNetwork(JSON.stringify(network(pool, ...end)));
    const config = experimentConfig.parse({ networks: ['net'], custom: { net: spec } });
    const shape = { channels: 3, height: 4, width: 4, classes: ['a', 'b'] };
    expect(await said(() => specOf('net', config, shape))).toEqual([
      'Network “net” does not fit images of 3×4×4 in 2 classes: The network cannot be built: pool: a window of 6×6 does not fit into 4×4 pixels',
      '网络“net”不适合 3×4×4 的图片和 2 个类别：网络无法构建：pool：6×6 的窗口放不进 4×4 像素的图片',
    ]);
  });
});

describe('the first language', () => {
  it.each([
    [['zh-TW', 'en'], 'zh'],
    [['en-GB', 'zh'], 'en'],
    [['fr', 'zh-CN'], 'zh'],
    [['fr'], 'en'],
    [[], 'en'],
  ])('of a browser that prefers %j is %s', (languages, expected) => {
    expect(preferredLanguage(languages)).toBe(expected);
  });
});
