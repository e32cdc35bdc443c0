import { useEffect, useState } from 'react';

/** A typeset formula; its plain form stands there until KaTeX has been loaded. */
export function Formula({ tex, plain }: { tex: string; plain: string }) {
  const [html, setHtml] = useState<string | null>(null);

  useEffect(() => {
    let wanted = true;
    void import('./katex.ts').then(({ default: katex }) => {
      if (wanted) setHtml(katex.renderToString(tex));
    });
    return () => {
      wanted = false;
    };
  }, [tex]);

  return html === null ? (
    <span className="formula">{plain}</span>
  ) : (
    <span className="formula" dangerouslySetInnerHTML={{ __html: html }} />
  );
}
