// @ts-check
// The slots of a page: found, asked for in one call, filled or left with the shop's own content.

import { address, cameFrom, consent, forgetVisitor, pageKeys, random, setting, settings, signedIn, styleAddress, visitor } from './config.js';
import { forgetEvents, send, startQueue, waitingCount } from './queue.js';
import { begin, end, fill, startView } from './view.js';

/** Milliseconds that a page waits for ads. */
const TIMEOUT = 300;
/** Slots of one call. */
const SLOTS = 16;
/** Answers that `nimb.debug()` remembers. */
const REMEMBERED = 20;

/** @type {any[]} */
const answers = [];
/** What the shop put into a slot, and which call it was last asked for in.
 * @type {WeakMap<Element, {own: Node[], call: number}>} */
const known = new WeakMap();
let calls = 0;

/** @param {HTMLElement} slot @param {string} state @param {any} detail */
function settle(slot, state, detail) {
  slot.setAttribute('data-nimb-state', state);
  slot.dispatchEvent(new CustomEvent('nimb:slot', { bubbles: true, detail: { state, ...detail } }));
}

/** Puts the shop's own content back. @param {HTMLElement} slot */
function restore(slot) {
  const before = known.get(slot);
  if (before && slot.querySelector('[data-nimb-ad]')) {
    end(slot);
    slot.replaceChildren(...before.own);
  }
}

/** @type {Promise<void> | undefined} */
let styled;

/** The formats' rules: the page's own link when it has one (then they are there before the first ad), else ours. */
function style() {
  styled = styled || new Promise((done, failed) => {
    const source = styleAddress();
    let link = [...document.querySelectorAll('link')].find((link) => link.href.split('?')[0] === source);
    if (link && link.sheet) return done();
    if (!link) {
      link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = source;
      document.head.append(link);
    }
    link.addEventListener('load', () => done());
    link.addEventListener('error', () => failed(new Error('no_style')));
  });
  return styled;
}

/** Asks for the ads of some slots and fills them. Never throws: a page must not break over its ads.
 * @param {HTMLElement[]} slots */
async function ask(slots) {
  slots = slots.slice(0, SLOTS);
  if (!slots.length) return;
  const call = ++calls;
  const started = performance.now();
  /** @type {Map<string, HTMLElement>} */
  const names = new Map();
  for (const slot of slots) {
    const placement = slot.getAttribute('data-nimb-slot') || '';
    let name = placement;
    for (let n = 2; names.has(name); n++) name = placement + ':' + n;
    names.set(name, slot);
    const before = known.get(slot);
    // What the shop's server has rendered there is an ad, not the shop's own content.
    const own = before ? before.own : slot.querySelector('[data-nimb-ad]') ? [] : [...slot.childNodes];
    known.set(slot, { own, call });
    slot.setAttribute('data-nimb-state', 'asked');
  }
  /** @type {any} */
  const entry = { at: new Date().toISOString(), slots: {} };
  answers.push(entry);
  if (answers.length > REMEMBERED) answers.shift();
  const aborter = new AbortController();
  const limit = Number(setting('timeout')) || TIMEOUT;
  let problem = 'error';
  /** @type {any} */
  let answer;
  const late = new Promise((_, failed) => setTimeout(() => {
    aborter.abort();
    failed(new Error('timeout'));
  }, limit));
  try {
    const ready = style();
    const wanted = decide(names, aborter.signal);
    [answer] = await Promise.race([Promise.all([wanted, ready]), late.then(() => [])]);
  } catch (error) {
    problem = /** @type {Error} */ (error).message;
    if (!/^(timeout|no_style|http_\d+|[a-z]+_[a-z_]+)$/.test(problem)) problem = 'unreachable';
  }
  entry.milliseconds = Math.round(performance.now() - started);
  if (answer) entry.decision_id = answer.decision_id;
  for (const [name, slot] of names) {
    const found = answer && answer.slots[name];
    const ads = found ? found.ads.filter((/** @type {any} */ ad) => ad.html) : [];
    const reason = ads.length ? undefined : found ? found.no_fill || 'no_markup' : answer ? 'refused' : problem;
    entry.slots[name] = ads.length
      ? { ads: ads.map((/** @type {any} */ { format, creative_id, label }) => ({ format, creative_id, label })) }
      : { no_fill: reason };
    // A later call has taken the slot over, or the page no longer has it.
    const state = known.get(slot);
    if (!state || state.call !== call || !slot.isConnected) continue;
    try {
      if (ads.length) {
        end(slot);
        fill(slot, ads);
      } else {
        restore(slot);
      }
      settle(slot, ads.length ? 'filled' : answer ? 'empty' : 'error', { reason, decision_id: entry.decision_id });
    } catch {
      restore(slot);
      settle(slot, 'error', { reason: 'no_markup' });
    }
  }
}

/** One decision. A slot that the server does not know is left out and the others are asked for again: one wrong name
 * must not empty a page. @param {Map<string, HTMLElement>} names @param {AbortSignal} signal @returns {Promise<any>} */
async function decide(names, signal) {
  /** @param {string} name */
  const said = (name) => setting(name) || undefined;
  const list = [...names].map(([name, slot]) => ({
    name,
    placement: slot.getAttribute('data-nimb-slot'),
    count: Number(slot.getAttribute('data-nimb-count')) || undefined,
  }));
  while (list.length) {
    const response = await fetch(address('/v1/placements'), {
      method: 'POST',
      signal,
      credentials: consent() ? 'include' : 'omit',
      // text/plain needs no preflight, which would cost as much time as the answer.
      headers: { 'Content-Type': 'text/plain' },
      body: JSON.stringify({
        storefront: said('storefront'),
        page: {
          type: said('page') || 'other', category: said('category'), brand: said('brand'), product: said('product'),
          query: said('query'), keys: pageKeys(),
        },
        slots: list,
        shopper: {
          consent: consent(), visitor_id: visitor(), customer: consent() ? said('customer') : undefined,
          signed_in: signedIn(),
        },
        location: said('location'),
        region: said('region'),
        html: true,
        preview: new URLSearchParams(location.search).get('nimb_preview') || undefined,
      }),
    });
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => ({}));
    const wrong = /^slots\[(\d+)\]/.exec(problem.field);
    if (!wrong) throw new Error(problem.code || 'http_' + response.status);
    list.splice(Number(wrong[1]), 1);
  }
  return { slots: {} };
}

/** What the server has rendered is counted as it is; the other new slots are asked for. */
function scan() {
  document.querySelectorAll('[data-nimb-ad]:not([data-nimb-seen])').forEach(begin);
  const slots = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-nimb-slot]:not([data-nimb-state])')]);
  return ask(slots.filter((slot) => {
    if (!slot.querySelector('[data-nimb-ad]')) return true;
    settle(slot, 'filled', {});
    return false;
  }));
}

/** Asks again for all slots of the page; for single-page shops, after the page has changed.
 * @param {Record<string, any>} [changes] what `set` takes */
function refresh(changes) {
  set(changes);
  return ask(/** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-nimb-slot]')]));
}

/** Replaces attributes of `data-nimb-*`. @param {Record<string, any>} [changes] */
function set(changes) {
  Object.assign(settings, changes);
  if (changes && 'consent' in changes && !consent()) {
    forgetVisitor();
    forgetEvents();
  }
}

/** What the shopper did. Nothing is sent without consent. @param {string} type
 * @param {{sku?: string, category?: string, query?: string, id?: string}} [about] */
function track(type, about) {
  if (consent()) {
    send({ type, id: random(), ...about, visitor_id: visitor(), customer: setting('customer') || undefined, consent: true });
  }
}

export const nimb = {
  refresh, set, track, visitor,
  /** @param {boolean} given */
  consent: (given) => set({ consent: given }),
  /** The last answers, newest last: decision ids, and what filled each slot or why nothing did. */
  debug: () => ({ storefront: setting('storefront'), consent: consent(), waiting: waitingCount(), answers: [...answers] }),
};

/** A single-page shop that says so is asked for anew whenever its address changes. */
function followAddress() {
  let before = location.href;
  const look = () => {
    if (location.href === before || setting('spa') == null) return;
    before = location.href;
    setTimeout(refresh);
  };
  addEventListener('popstate', () => setTimeout(look));
  for (const name of /** @type {const} */ (['pushState', 'replaceState'])) {
    const original = history[name];
    history[name] = function (...all) {
      original.apply(this, all);
      setTimeout(look);
    };
  }
}

/** Starts once per page. @param {string | undefined} script address of this script @returns {typeof nimb} */
export function start(script) {
  const page = /** @type {any} */ (window);
  if (page.nimb && page.nimb.debug) return page.nimb;
  page.nimb = nimb;
  cameFrom(script);
  const go = () => {
    startQueue();
    startView();
    followAddress();
    scan();
    /** @type {any} */
    let soon;
    new MutationObserver(() => {
      soon = soon || setTimeout(() => { soon = 0; scan(); }, 30);
    }).observe(document.documentElement, { childList: true, subtree: true });
    // Calls of pages that did not wait for the tag: window.nimbQueue = [(nimb) => nimb.track(...)].
    const calls = page.nimbQueue || [];
    page.nimbQueue = { push: (/** @type {Function} */ call) => call(nimb) };
    calls.forEach(page.nimbQueue.push);
  };
  // A page that is prepared in the background has no reader yet.
  if (/** @type {any} */ (document).prerendering) document.addEventListener('prerenderingchange', go, { once: true });
  else if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', go, { once: true });
  else go();
  return nimb;
}
