import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { InspectedLayer } from '../../worker/protocol.ts';

interface LayersProps {
  layers: readonly InspectedLayer[];
  chosen: string;
  onChoose: (path: string) => void;
}

/** All layers in the order of the forward pass; arrow keys go from one to the next. */
export function Layers({ layers, chosen, onChoose }: LayersProps) {
  const { t } = useTranslation('inspect');
  const list = useRef<HTMLUListElement>(null);
  const at = layers.findIndex(({ path }) => path === chosen);
  useEffect(() => {
    const box = list.current;
    const option = box?.children[at];
    if (!box || !(option instanceof HTMLElement)) return;
    // The list is what its options stand in.
    const top = option.offsetTop;
    if (top < box.scrollTop || top + option.offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = top - box.clientHeight / 2;
    }
  }, [at]);
  return (
    <section className="inspect-layers">
      <h3 id="layers-title">{t('side.layers')}</h3>
      <ul
        ref={list}
        role="listbox"
        aria-labelledby="layers-title"
        aria-activedescendant={`layer-${at}`}
        tabIndex={0}
        onKeyDown={(event) => {
          const to = {
            ArrowDown: at + 1,
            ArrowUp: at - 1,
            Home: 0,
            End: layers.length - 1,
          }[event.key];
          if (to === undefined) return;
          event.preventDefault();
          const layer = layers[to];
          if (layer) onChoose(layer.path);
        }}
      >
        {layers.map(({ path, op, shape }, i) => (
          <li
            key={path}
            id={`layer-${i}`}
            role="option"
            aria-selected={path === chosen}
            onClick={() => onChoose(path)}
          >
            <code>{path}</code>
            <span>{op}</span>
            <span>{shape.join('×')}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
