// @ts-check
// The classic form: <script async src=".../tag/nimb.js" data-nimb-storefront="shop"></script>
// Served with the modules it names put in their place and the whole inside one function.

import { start } from './page.js';

start(document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : undefined);
