/** Layers and their faults in the reader's language; in the op table's own English where nobody has translated them. */
import { useTranslation } from 'react-i18next';
import type { FathomError } from '../../errors.ts';
import { ops } from '../../ops/table.ts';
import { ruleSentence } from '../i18n/index.ts';
import en from './en.json';
import type { NamedField } from './fields.ts';
import type { LayerType } from './layers.ts';

const isTranslated = <T extends object>(words: T, key: string): key is keyof T & string =>
  Object.hasOwn(words, key);

export function useLayerWords() {
  const { t } = useTranslation('build');
  return {
    /** What it is called in the literature. */
    title: (type: LayerType): string => {
      if (isTranslated(en.op, type)) return t(`op.${type}.title`);
      return type in ops ? ops[type as keyof typeof ops].doc.title : type;
    },
    /** What it does, in a sentence. */
    sentence: (type: LayerType): string =>
      isTranslated(en.op, type) ? t(`op.${type}.sentence`) : '',
    label: (name: string): string =>
      isTranslated(en.param, name) ? t(`param.${name}.label`) : name,
    hint: ({ name, sentence }: NamedField): string =>
      isTranslated(en.param, name) ? t(`param.${name}.hint`) : sentence,
    /** What does not fit, without the path: it stands beside the layer. */
    fault: (error: FathomError): string =>
      ruleSentence(error) ?? error.message.replace(`${error.details.path ?? ''}: `, ''),
  };
}
