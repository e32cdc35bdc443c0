/** Plotly's contour trace, which the charts of the experiment do not need: a chunk of its own. */
import contour from 'plotly.js/lib/contour';
import Plotly from '../charts/plotly.ts';

Plotly.register([contour]);

export default Plotly;
