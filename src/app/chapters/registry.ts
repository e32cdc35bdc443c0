/** All chapters, in the order of the course. Each is loaded when it is first opened, with its texts. */
import i18next from 'i18next';
import type { Chapter, ChapterId } from './chapter.ts';

interface ChapterModule {
  default: Chapter;
  texts: { en: object; zh: object };
}

const LOADERS: Record<ChapterId, () => Promise<ChapterModule>> = {
  depth: () => import('./depth/index.tsx'),
  normalization: () => import('./normalization/index.tsx'),
  dropout: () => import('./dropout/index.tsx'),
  activations: () => import('./activations/index.tsx'),
  initialization: () => import('./initialization/index.tsx'),
  images: () => import('./images/index.tsx'),
  regularization: () => import('./regularization/index.tsx'),
};

/** The chapter, once its program and its texts are there. */
export async function loadChapter(id: ChapterId): Promise<Chapter> {
  const { default: chapter, texts } = await LOADERS[id]();
  i18next.addResourceBundle('en', id, texts.en);
  i18next.addResourceBundle('zh', id, texts.zh);
  return chapter;
}

export const isChapter = (page: string): page is ChapterId => Object.hasOwn(LOADERS, page);
