/**
 * The configuration in the address: `#/?networks=plain-20,residual-20&width=8`. Only what differs
 * from the defaults is written. Reading goes field by field: a damaged link opens what is valid and
 * says what was not.
 */
import { FathomError } from '../errors.ts';
import { BOUNDS, MOST_NETWORKS, customName, experimentConfig, networkId } from '../lab/config.ts';
import type { ExperimentConfig } from '../lab/config.ts';
import { isNetworkId } from '../network/families.ts';
import { readNetwork } from '../network/file.ts';
import { checkTrainable } from '../network/fit.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { pack, unpack } from './packed.ts';
import { DEFAULTS, SETTINGS, differences, isAllowed, isSettingName } from './settings.ts';
import type { Setting, SettingName } from './settings.ts';

/** A part of a link that was not taken, and why (an i18n key `link.<why>`). */
export interface LinkProblem {
  name: string;
  value: string;
  why:
    | 'unknown'
    | 'version'
    | 'range'
    | 'number'
    | 'choice'
    | 'switch'
    | 'network'
    | 'missing'
    | 'twice'
    | 'many'
    | 'damaged'
    | 'custom';
  details: Record<string, string | number>;
  /** What was thrown as the part was read. */
  error?: FathomError;
}

/** Writes the hash of a link. Values that `machine` would set by itself are named where they differ. */
export function formatLink(
  config: ExperimentConfig,
  machine: Partial<ExperimentConfig> = {},
): string {
  const named = new Set<SettingName>([
    ...differences(config, DEFAULTS),
    ...differences(config, { ...DEFAULTS, ...machine }),
  ]);
  const parts = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => named.has(name))
    .map((name) => `${name}=${valueText(name, config)}`);
  return parts.length ? `#/?${parts.join('&')}` : '#/';
}

const valueText = (name: SettingName, config: ExperimentConfig): string =>
  name === 'custom'
    ? pack(config.custom)
    : encodeURIComponent(String(config[name])).replaceAll('%2C', ',');

/** Reads a hash. `given` holds the valid fields only; never throws. */
export function parseLink(hash: string): {
  given: Partial<ExperimentConfig>;
  problems: LinkProblem[];
} {
  const given: Record<string, unknown> = {};
  const problems: LinkProblem[] = [];
  const query = hash.replace(/^#?\/?\??/, '');
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'version') {
      if (value !== String(DEFAULTS.version)) {
        problems.push({ name, value, why: 'version', details: { version: DEFAULTS.version } });
      }
      continue;
    }
    if (!isSettingName(name)) {
      problems.push({ name, value, why: 'unknown', details: {} });
      continue;
    }
    const read = readField(name, value);
    problems.push(...read.problems);
    if (read.value !== undefined) given[name] = read.value;
  }
  if (given.networks) {
    const { known, missing } = sorted(given.networks as string[], given.custom);
    problems.push(...missing);
    if (known.length > 0) given.networks = known;
    else delete given.networks;
  }
  const whole = experimentConfig.parse(given);
  const named = Object.keys(given) as SettingName[];
  return {
    given: Object.fromEntries(named.map((name) => [name, whole[name]])),
    problems,
  };
}

interface Reading {
  /** Undefined where nothing valid was found. */
  value: unknown;
  problems: LinkProblem[];
}

function readField(name: SettingName, text: string): Reading {
  const setting: Setting = SETTINGS[name];
  const refuse = (why: LinkProblem['why'], details: LinkProblem['details'] = {}): Reading => ({
    value: undefined,
    problems: [{ name, value: text, why, details }],
  });
  switch (setting.kind) {
    case 'networks':
      return readNetworks(text);
    case 'custom':
      return readCustom(text);
    case 'text':
      return { value: text, problems: [] };
    case 'choice':
      return setting.options.includes(text)
        ? { value: text, problems: [] }
        : refuse('choice', { options: setting.options.join(', ') });
    case 'switch':
      return text === 'true' || text === 'false'
        ? { value: text === 'true', problems: [] }
        : refuse('switch');
    case 'number': {
      const value = text.trim() === '' ? NaN : Number(text);
      if (Number.isNaN(value)) return refuse('number');
      if (isAllowed(name, value)) return { value, problems: [] };
      const { min, max } = setting.bounds;
      return refuse('range', { min, max });
    }
  }
}

const DETAILS = { most: MOST_NETWORKS, deepest: BOUNDS.depth.max };

/** Keeps the valid names of a list and reports the others one by one. */
function readNetworks(text: string): Reading {
  const networks: string[] = [];
  const problems: LinkProblem[] = [];
  for (const id of text.split(',')) {
    const refuse = (why: LinkProblem['why']) =>
      problems.push({
        name: 'networks',
        value: id,
        why,
        details: DETAILS,
      });
    if (!networkId.safeParse(id).success) refuse('network');
    else if (networks.includes(id)) refuse('twice');
    else if (networks.length === MOST_NETWORKS) refuse('many');
    else networks.push(id);
  }
  return { value: networks.length ? networks : undefined, problems };
}

/** Parts names of networks that there are from those of networks by hand that the link does not bring. */
function sorted(networks: readonly string[], custom: unknown = {}) {
  const isThere = (id: string) => isNetworkId(id) || Object.hasOwn(custom as object, id);
  const missing = networks
    .filter((id) => !isThere(id))
    .map((id): LinkProblem => ({ name: 'networks', value: id, why: 'missing', details: {} }));
  return { known: networks.filter(isThere), missing };
}

/** Keeps the networks by hand that can train and reports the others one by one. */
function readCustom(text: string): Reading {
  const custom: Record<string, NetworkSpec> = {};
  const problems: LinkProblem[] = [];
  const refuse = (why: LinkProblem['why'], value: string, error: unknown) => {
    if (!(error instanceof FathomError)) throw error;
    problems.push({ name: 'custom', value, why, details: {}, error });
  };
  try {
    for (const [id, value] of Object.entries(unpack(text) ?? {})) {
      try {
        const spec = readNetwork(value);
        checkTrainable(spec);
        if (customName.safeParse(id).success) custom[id] = spec;
        else problems.push({ name: 'custom', value: id, why: 'network', details: DETAILS });
      } catch (error) {
        refuse('custom', id, error);
      }
    }
  } catch (error) {
    refuse('damaged', '', error);
  }
  return { value: Object.keys(custom).length ? custom : undefined, problems };
}
