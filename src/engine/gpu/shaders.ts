/** The text of every file in `shaders/`, by name without extension. */
const modules = import.meta.glob<string>('/shaders/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const shaders: Record<string, string> = Object.fromEntries(
  Object.entries(modules).map(([path, text]) => [path.replace(/^.*\/(\w+)\.wgsl$/, '$1'), text]),
);
