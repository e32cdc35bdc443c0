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
import type { Failure } from '../../worker/protocol.ts';
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
export function errorSentence(failure: Failure): string {
  const { code, message, details, cause } = failure;
  if (!isTranslated(code)) return message;
  const reason = cause ? errorSentence(cause) : reasonOf(failure);
  return i18next.t(`error.${code}`, { ...details, message, reason });
}

/** Why, in the reader's language, and in a network at which layer. */
function reasonOf(failure: Failure): string | number {
  const { message, details } = failure;
  const rule = ruleSentence(failure);
  if (rule === null) return details.reason ?? message;
  return details.path === undefined ? rule : i18next.t('rule.at', { path: details.path, rule });
}

function isRule(kind: unknown): kind is Exclude<keyof typeof en.rule, 'at'> {
  return typeof kind === 'string' && Object.hasOwn(en.rule, kind);
}

/** The rule about networks that was broken, in the reader's language; null where that is no such failure. */
export function ruleSentence({ details }: Pick<Failure, 'details'>): string | null {
  return isRule(details.kind) ? i18next.t(`rule.${details.kind}`, details) : null;
}

function isShape(name: string): name is keyof typeof en.data.shapes {
  return Object.hasOwn(en.data.shapes, name);
}

/** The reader's word for a class of the built-in data set; the names of other sets stay as they are. */
export function className(name: string): string {
  return isShape(name) ? i18next.t(`data.shapes.${name}`) : name;
}
