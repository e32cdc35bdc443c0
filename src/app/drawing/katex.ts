/**
 * KaTeX with its style sheet and fonts, all from this site; loaded when the first formula is shown.
 */
import katex from 'katex';
import 'katex/dist/katex.min.css';

export default katex;
