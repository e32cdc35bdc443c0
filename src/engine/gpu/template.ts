/**
 * WGSL with unrolled loops. Tint does not unroll, and register blocks want every index to be a constant,
 * so kernels in `shaders/` may carry four directives on lines of their own:
 *
 *     //#section NAME            text from here to the next section belongs to entry point NAME
 *     //#include NAME            the text of shaders/NAME.wgsl
 *     //#for i in A..B … //#end  repeats for i = A … B−1
 *     //#if EXPR … //#else … //#end
 *
 * and `${EXPR}` anywhere, which becomes a number, and `@binding(next)`, which becomes the next free number. EXPR is integer arithmetic over constants and loop
 * variables: + − * / % (both floored), comparisons, && || !, parentheses.
 * Everything else is plain WGSL; constants are declared in front of it.
 */

export type Constants = Record<string, number | boolean>;
type Scope = Record<string, number>;

const DIRECTIVE = /^\s*\/\/#(section|include|for|if|else|end)\b\s*(.*)$/;

/**
 * Expands one entry point of a shader file.
 *
 * @param files every shader text by name
 * @param name  the file
 * @param entry the section to take; text before the first section belongs to all
 */
export function expand(
  files: Record<string, string>,
  name: string,
  entry: string,
  constants: Constants,
): string {
  const scope: Scope = {};
  const declarations = Object.entries(constants).map(([constant, value]) => {
    if (!Number.isFinite(Number(value))) {
      throw new Error(
        `shaders/${name}.wgsl: ${constant} = ${String(value)} is no constant of WGSL`,
      );
    }
    scope[constant] = Number(value);
    return `const ${constant} = ${String(value)};`;
  });
  const lines = selectSection(readFile(files, name), entry, name);
  const out: string[] = [];
  const end = expandBlock(files, lines, 0, scope, out);
  if (end !== lines.length) throw new Error(`shaders/${name}.wgsl: "//#end" without a beginning`);
  let binding = 0;
  const numbered = out.map((line) =>
    line.replace('@binding(next)', () => `@binding(${String(binding++)})`),
  );
  return [...declarations, ...numbered].join('\n');
}

function readFile(files: Record<string, string>, name: string): string[] {
  const text = files[name];
  if (text === undefined) throw new Error(`there is no shaders/${name}.wgsl`);
  return text.split('\n');
}

function selectSection(lines: string[], entry: string, name: string): string[] {
  const sections = new Set<string>();
  let section = entry;
  const kept = lines.filter((line) => {
    const [, word, rest] = DIRECTIVE.exec(line) ?? [];
    if (word === 'section') {
      section = rest?.trim() ?? '';
      sections.add(section);
      return false;
    }
    return section === entry;
  });
  if (sections.size > 0 && !sections.has(entry))
    throw new Error(`shaders/${name}.wgsl has no section ${entry}`);
  return kept;
}

/** Expands lines from `start` up to the `end` or `else` that closes this block; returns its index. */
function expandBlock(
  files: Record<string, string>,
  lines: string[],
  start: number,
  scope: Scope,
  out: string[] | null,
): number {
  let index = start;
  while (index < lines.length) {
    const line = lines[index] ?? '';
    const [, word, rest = ''] = DIRECTIVE.exec(line) ?? [];
    if (word === 'end' || word === 'else') return index;
    if (word === 'for') {
      index = expandFor(files, lines, index, rest, scope, out);
    } else if (word === 'if') {
      const holds = out !== null && evaluate(rest, scope) !== 0;
      index = expandBlock(files, lines, index + 1, scope, holds ? out : null);
      if (isDirective(lines[index], 'else')) {
        index = expandBlock(files, lines, index + 1, scope, holds ? null : out);
      }
      expectEnd(lines[index], line);
    } else if (word === 'include') {
      if (out) expandBlock(files, readFile(files, rest.trim()), 0, scope, out);
    } else if (out && line.trim() !== '' && !line.trim().startsWith('//')) {
      out.push(
        line.replace(/\$\{([^}]*)\}/g, (_, expression: string) =>
          String(evaluate(expression, scope)),
        ),
      );
    }
    index++;
  }
  return index;
}

function expandFor(
  files: Record<string, string>,
  lines: string[],
  index: number,
  header: string,
  scope: Scope,
  out: string[] | null,
): number {
  const match = /^(\w+)\s+in\s+(.+)\.\.(.+)$/.exec(header.trim());
  const [, variable, from, to] = match ?? [];
  if (!variable || !from || !to) throw new Error(`malformed "//#for ${header}"`);
  // A loop in a branch not taken is only skipped over.
  const first = out ? evaluate(from, scope) : 0;
  const last = out ? evaluate(to, scope) : 0;
  let end = expandBlock(files, lines, index + 1, scope, null);
  for (let i = first; i < last; i++) {
    end = expandBlock(files, lines, index + 1, { ...scope, [variable]: i }, out);
  }
  expectEnd(lines[end], header);
  return end;
}

const isDirective = (line: string | undefined, word: string): boolean =>
  DIRECTIVE.exec(line ?? '')?.[1] === word;

function expectEnd(line: string | undefined, opener: string) {
  if (!isDirective(line, 'end')) throw new Error(`"${opener.trim()}" has no "//#end"`);
}

const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

const OPERATORS: Record<string, (a: number, b: number) => number> = {
  '||': (a, b) => Number(a !== 0 || b !== 0),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.floor(a / b),
  '%': (a, b) => a - b * Math.floor(a / b),
};

/** Evaluates an integer expression by precedence climbing. */
export function evaluate(expression: string, scope: Scope): number {
  const tokens = expression.match(/\d+|\w+|\|\||&&|[<>=!]=|[<>()+\-*/%!]/g) ?? [];
  let position = 0;
  const level = (depth: number): number => {
    const operators = LEVELS[depth];
    if (!operators) return unary();
    let value = level(depth + 1);
    for (;;) {
      const token = tokens[position];
      if (token === undefined || !operators.includes(token)) return value;
      position++;
      value = OPERATORS[token]?.(value, level(depth + 1)) ?? NaN;
    }
  };
  const unary = (): number => {
    const token = tokens[position++];
    if (token === '-') return -unary();
    if (token === '!') return Number(unary() === 0);
    if (token === '(') {
      const value = level(0);
      if (tokens[position++] !== ')') throw new Error(`unbalanced parentheses in "${expression}"`);
      return value;
    }
    const value = token !== undefined && /^\d/.test(token) ? Number(token) : scope[token ?? ''];
    if (value === undefined) throw new Error(`"${token ?? ''}" is not known in "${expression}"`);
    return value;
  };
  const value = level(0);
  if (position !== tokens.length) throw new Error(`cannot read "${expression}"`);
  return value;
}
