// @ts-check
// Who the page is, who the shopper is, and where the ads come from. Everything is read when it is needed, so a
// single-page shop may change the attributes, or call `nimb.set`, at any time.

const VISITOR = 'nimb.visitor';

/** Attributes of `data-nimb-*` that `nimb.set` has replaced. @type {Record<string, any>} */
export const settings = {};

let origin = '';

/** Where this script came from says where to ask. @param {string | undefined} script */
export function cameFrom(script) {
  if (script) origin = new URL(script, document.baseURI).origin;
}

/** @param {string} path */
export const address = (path) => (setting('server') || origin) + path;

/** The looks come from where the script came from. */
export const styleAddress = () => (origin || setting('server')) + '/tag/nimb.css';

/** What the page says: by `nimb.set`, else by the element with `data-nimb-storefront`. @param {string} name */
export function setting(name) {
  if (name in settings) return settings[name];
  const element = document.querySelector('[data-nimb-storefront]');
  return element ? element.getAttribute('data-nimb-' + name) : undefined;
}

/** Silence is no consent. */
export const consent = () => /^(yes|true|1)$/.test(String(setting('consent')));

/** Silence says nothing. @returns {boolean | undefined} */
export function signedIn() {
  const said = setting('signed-in');
  return said === undefined || said === null || !consent() ? undefined : /^(yes|true|1)$/.test(String(said));
}

/** The shop's own keys: an object, or its JSON in the attribute. What is no JSON must not cost the page its ads. */
export function pageKeys() {
  const said = setting('keys');
  try {
    return (typeof said === 'string' ? JSON.parse(said) : said) || undefined;
  } catch {
    return undefined;
  }
}

export const isEnglish = () => /^en/i.test(document.documentElement.lang);

/** Local storage may be full, forbidden or absent; then nothing is kept. */
export const storage = {
  /** @param {string} key */
  read(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  /** @param {string} key @param {string | null} value */
  write(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch { /* as said above */ }
  },
  keys() {
    try { return Object.keys(localStorage); } catch { return []; }
  },
};

export const random = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A cookie of the delivery host is first-party when that host lies under the shop's. */
function hasCookie() {
  const shop = location.hostname.replace(/^www\./, '');
  const host = new URL(address('/'), location.href).hostname;
  return host === shop || host.endsWith('.' + shop);
}

/** @type {string | undefined} */
let made;

/** The shop's own id of the visitor, else none where the cookie does it, else one kept here. Never without consent. */
export function visitor() {
  if (!consent()) return undefined;
  const own = setting('visitor');
  if (own) return own;
  if (hasCookie()) return undefined;
  made = storage.read(VISITOR) || made || 'nl-' + random();
  storage.write(VISITOR, made);
  return made;
}

export function forgetVisitor() {
  made = undefined;
  storage.write(VISITOR, null);
}
