// The registry's sign: versions, one upon the other.

import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M12 2.5 2 7.6l10 5.1 10-5.1z"/>
    <path d="m4.3 11-2.3 1.2 10 5.1 10-5.1-2.3-1.2-7.7 3.9z"/>
    <path d="m4.3 15.5-2.3 1.2 10 5.1 10-5.1-2.3-1.2-7.7 3.9z"/>
  </g>
</svg>`;

export const registryIcon = new LabIcon({ name: 'nbregistry:registry', svgstr: SVG });
