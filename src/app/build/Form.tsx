import { Switch } from 'radix-ui';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { layerAt } from '../../network/edit.ts';
import { layerParams } from '../../network/spec.ts';
import type { LayerSpec } from '../../network/spec.ts';
import { Choice, InfoTip, NumberField } from '../parts/controls.tsx';
import { useActions } from './actions.ts';
import { fieldsOf, formatText, parseText, refusalOf } from './fields.ts';
import type { Field, NamedField } from './fields.ts';
import { useBoard } from './store.ts';
import { TextField } from './TextField.tsx';
import { useLayerWords } from './words.ts';

type Values = Readonly<Record<string, unknown>>;

/** What may be set of the selected layer, made from its op's schema; of the input, what a data set says. */
export function Form() {
  const { t } = useTranslation('build');
  const words = useLayerWords();
  const spec = useBoard((board) => board.spec);
  const selection = useBoard((board) => board.selection);
  const { set } = useActions();
  if (!selection) return <InputForm />;
  if (selection.count > 1) {
    return (
      <section className="build-form">
        <h3>{t('form.several', { count: selection.count })}</h3>
        <p className="hint">{t('form.severalHint')}</p>
      </section>
    );
  }
  const { address } = selection;
  const layer = layerAt(spec, address);
  if (!layer) return null;
  const sentence = words.sentence(layer.type);
  const change = (name: string, value: unknown) => {
    // What is left to its default is not written.
    const { [name]: _, ...rest } = layer as LayerSpec & Values;
    set(address, (value === undefined ? rest : { ...layer, [name]: value }) as LayerSpec);
  };

  return (
    <section className="build-form" aria-label={words.title(layer.type)}>
      <h3>{words.title(layer.type)}</h3>
      {sentence && <p className="hint">{sentence}</p>}
      <div className="build-fields" key={address.join()}>
        <NameField name={layer.name} onChange={(name) => change('name', name)} />
        {fieldsOf(layerParams[layer.type]).map((field) => (
          <FieldRow
            key={field.name}
            field={field}
            value={(layer as unknown as Values)[field.name]}
            refusal={(value) => refusalOf(layerParams[layer.type], field.name, value)}
            onChange={(value) => change(field.name, value)}
          />
        ))}
      </div>
    </section>
  );
}

function NameField({ name, onChange }: { name: string; onChange: (name: string) => void }) {
  const { t } = useTranslation('build');
  const id = useId();
  return (
    <div className="build-field">
      <label htmlFor={id}>{t('form.name')}</label>
      <TextField
        id={id}
        value={name}
        refusal={(text) => (/^[A-Za-z0-9_]+$/.test(text) ? null : t('form.nameRule'))}
        onChange={onChange}
      />
    </div>
  );
}

interface FieldRowProps {
  field: NamedField;
  value: unknown;
  /** Why a value is refused. */
  refusal: (value: unknown) => string | null;
  onChange: (value: unknown) => void;
}

function FieldRow({ field, value, refusal, onChange }: FieldRowProps) {
  const words = useLayerWords();
  const id = useId();
  const label = words.label(field.name);
  return (
    <div className="build-field" data-field={field.field.kind}>
      <label htmlFor={id}>{label}</label>
      <InfoTip
        label={label}
        text={
          <>
            <code>{field.name}</code> — {words.hint(field)}
          </>
        }
      />
      <Control
        id={id}
        label={label}
        field={field.field}
        value={value ?? field.initial}
        refusal={refusal}
        onChange={onChange}
      />
    </div>
  );
}

interface ControlProps {
  id: string;
  label: string;
  field: Field;
  value: unknown;
  refusal: (value: unknown) => string | null;
  onChange: (value: unknown) => void;
}

function Control({ id, label, field, value, refusal, onChange }: ControlProps) {
  const { t } = useTranslation('build');
  switch (field.kind) {
    case 'switch':
      return (
        <Switch.Root id={id} className="switch" checked={value === true} onCheckedChange={onChange}>
          <Switch.Thumb className="switch-thumb" />
        </Switch.Root>
      );
    case 'choice':
      return (
        <Choice
          id={id}
          description={label}
          value={String(value)}
          options={field.options.map((option) => ({ value: option, name: option }))}
          onChange={onChange}
        />
      );
    case 'number':
      return <NumberControl {...{ id, label, field, value, refusal, onChange }} />;
    case 'text':
      return (
        <TextField
          id={id}
          value={formatText(value)}
          placeholder={t('form.open')}
          words={field.words}
          refusal={(text) => refusal(parseText(text))}
          onChange={(text) => onChange(parseText(text))}
        />
      );
    case 'variant':
      return <VariantControl {...{ id, label, field, value, refusal, onChange }} />;
  }
}

function NumberControl(props: ControlProps & { field: Extract<Field, { kind: 'number' }> }) {
  const { id, label, field, value, refusal, onChange } = props;
  const { whole, least, most } = field;
  const present = typeof value === 'number' ? value : least;
  const nearest = (typed: number) => {
    const bounded = Math.min(most, Math.max(least, whole ? Math.round(typed) : typed));
    return refusal(bounded) === null ? bounded : present;
  };
  // By hand a channel or a group more; of a number near zero a tenth or a factor of ten.
  const step = (direction: 1 | -1) => {
    if (whole) return nearest(present + direction);
    if (present !== 0 && Math.abs(present) < 0.01) return nearest(present * 10 ** direction);
    return nearest(Number((present + direction * 0.1).toFixed(6)));
  };
  return (
    <NumberField
      id={id}
      label={label}
      value={present}
      min={least}
      max={most}
      nearest={nearest}
      step={step}
      onChange={onChange}
    />
  );
}

/** One of several objects: which, and under it what that one takes. */
function VariantControl(props: ControlProps & { field: Extract<Field, { kind: 'variant' }> }) {
  const { id, label, field, value, refusal, onChange } = props;
  const { t } = useTranslation('build');
  const { tag, variants, nullable } = field;
  const object = (value ?? {}) as Values;
  const present = variants.find((variant) => variant.value === object[tag]);
  const NONE = 'none';
  const options = [
    // Null is a value of its own; what stays open is the layer's default.
    { value: NONE, name: nullable ? t('form.none') : t('form.usual') },
    ...variants.map(({ value: name }) => ({ value: name, name })),
  ];
  const pick = (name: string) => {
    const variant = variants.find((each) => each.value === name);
    if (!variant) return onChange(nullable ? null : undefined);
    const required = variant.fields
      .filter((each) => each.required)
      .map(({ name: key, field: kind }) => [key, kind.kind === 'number' ? usualNumber(kind) : 1]);
    onChange({ [tag]: name, ...Object.fromEntries(required) });
  };
  return (
    <>
      <Choice
        id={id}
        description={label}
        value={present?.value ?? NONE}
        options={options}
        onChange={pick}
      />
      {present && present.fields.length > 0 && (
        <div className="build-fields build-inner">
          {present.fields.map((inner) => (
            <FieldRow
              key={inner.name}
              field={inner}
              value={object[inner.name]}
              refusal={(next) => refusal({ ...object, [inner.name]: next })}
              onChange={(next) => onChange({ ...object, [inner.name]: next })}
            />
          ))}
        </div>
      )}
    </>
  );
}

/** Where a number must be given: one that shows an effect. */
const usualNumber = ({ whole, least }: Extract<Field, { kind: 'number' }>): number =>
  whole ? Math.max(1, least) : 0.1;

const INPUT = ['channels', 'height', 'width'] as const;

/** The images and classes that the network is drawn for. */
function InputForm() {
  const { t } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const edit = useBoard((board) => board.edit);
  const whole = (value: number, least: number, most: number) =>
    Math.min(most, Math.max(least, Math.round(value)));
  const number = (name: string, value: number, least: number, change: (value: number) => void) => (
    <div key={name} className="build-field">
      <label>{name}</label>
      <NumberField
        label={name}
        value={value}
        min={least}
        max={1024}
        nearest={(typed) => (Number.isFinite(typed) ? whole(typed, least, 1024) : value)}
        step={(direction) => whole(value + direction, least, 1024)}
        onChange={change}
      />
    </div>
  );
  return (
    <section className="build-form" aria-label={t('tree.input')}>
      <h3>{t('tree.input')}</h3>
      <p className="hint">{t('form.inputHint')}</p>
      <div className="build-fields">
        {INPUT.map((name) =>
          number(t(`form.${name}`), spec.input[name], 1, (value) =>
            edit({ ...spec, input: { ...spec.input, [name]: value } }, null),
          ),
        )}
        {number(t('form.classes'), spec.classes, 2, (classes) => edit({ ...spec, classes }, null))}
      </div>
    </section>
  );
}
