/**
 * The words of the page, in English and Simplified Chinese. The language is chosen at first from the
 * browser and kept once a person switches it.
 */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { readPreference, writePreference } from '../preferences.ts';
import type activations from '../chapters/activations/en.json';
import type depth from '../chapters/depth/en.json';
import type dropout from '../chapters/dropout/en.json';
import type initialization from '../chapters/initialization/en.json';
import type images from '../chapters/images/en.json';
import type normalization from '../chapters/normalization/en.json';
import type build from '../build/en.json';
import type check from '../check/en.json';
import type inspect from '../inspect/en.json';
import type surface from '../surface/en.json';
import type data from '../data/en.json';
import type regularization from '../chapters/regularization/en.json';
import en from './en.json';
import zh from './zh.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: {
      translation: typeof en;
      depth: typeof depth;
      normalization: typeof normalization;
      dropout: typeof dropout;
      activations: typeof activations;
      initialization: typeof initialization;
      images: typeof images;
      regularization: typeof regularization;
      build: typeof build;
      check: typeof check;
      inspect: typeof inspect;
      surface: typeof surface;
      data: typeof data;
    };
  }
}

const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Chinese for a reader whose browser prefers any kind of Chinese, English for all others. */
export function preferredLanguage(languages: readonly string[]): Language {
  const first = languages.find((tag) => /^(zh|en)\b/i.test(tag));
  return first?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

const setDocumentLanguage = (language: string) => {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = i18next.t('app.title');
};

export function startI18n(): void {
  void i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: readPreference('language', LANGUAGES) ?? preferredLanguage(navigator.languages),
    fallbackLng: 'en',
    interpolation: { escapeValue: false },
    showSupportNotice: false,
  });
  i18next.on('languageChanged', setDocumentLanguage);
  setDocumentLanguage(i18next.language);
}

export function setLanguage(language: Language): void {
  writePreference('language', language);
  void i18next.changeLanguage(language);
}

function isTranslated(code: string): code is keyof typeof en.error {
  return Object.hasOwn(en.error, code);
}

/** A failure in the reader's language; in English where its code has no sentence. */
export function errorSentence(failure: {
  code: string;
  message: string;
  details: Record<string, string | number>;
}): string {
  const { code, message, details } = failure;
  return isTranslated(code) ? i18next.t(`error.${code}`, { ...details, message }) : message;
}

function isShape(name: string): name is keyof typeof en.data.shapes {
  return Object.hasOwn(en.data.shapes, name);
}

/** The reader's word for a class of the built-in data set; the names of other sets stay as they are. */
export function className(name: string): string {
  return isShape(name) ? i18next.t(`data.shapes.${name}`) : name;
}
