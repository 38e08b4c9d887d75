// @ts-check
// The module form: import nimb from '.../tag/nimb.mjs';
// Served with the modules it names put in their place.

import { start } from './page.js';

export default start(import.meta.url);
