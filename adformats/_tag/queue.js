// @ts-check
// Events on their way: sent in batches, kept until the server has them, and sent again, as they were, after a failure
// or a reload. Each lies under a key of its own, so that tabs do not overwrite one another's. Twice sent counts once.

import { address, consent, random, setting, storage } from './config.js';

const PREFIX = 'nimb.event.';
/** Events kept; beyond it the oldest goes. */
const MOST = 200;
/** Events of one request: what is sent while a page closes may have 64 KiB. */
const BATCH = 50;
/** Older events are never billed. */
const OLDEST = 86400e3;
const SHORTEST = 1000;
const LONGEST = 60000;

/** @typedef {{at: number, storefront: string, event: Record<string, any>, isSent?: boolean}} Entry */
/** @type {Map<string, Entry>} */
const waiting = new Map();
let pause = SHORTEST;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

export const waitingCount = () => waiting.size;

/** Takes an event and sends it soon, with what else comes by then. @param {Record<string, any>} event */
export function send(event) {
  const key = PREFIX + Date.now() + random();
  const entry = { at: Date.now(), storefront: setting('storefront'), event: { occurred_at: new Date().toISOString(), ...event } };
  waiting.set(key, entry);
  // What identifies a visitor's doings stays off his disk unless he agreed.
  if (consent()) storage.write(key, JSON.stringify(entry));
  for (const oldest of waiting.keys()) {
    if (waiting.size <= MOST) break;
    drop(oldest);
  }
  schedule(20);
}

/** @param {string} key */
function drop(key) {
  waiting.delete(key);
  storage.write(key, null);
}

/** @param {number} wait */
function schedule(wait) {
  clearTimeout(timer);
  timer = setTimeout(flush, wait);
}

async function flush() {
  /** @type {[string, Entry][]} */
  const batch = [];
  for (const [key, entry] of waiting) {
    if (Date.now() - entry.at > OLDEST) drop(key);
    else if (!entry.isSent && batch.length < BATCH && (!batch[0] || batch[0][1].storefront === entry.storefront)) {
      batch.push([key, entry]);
    }
  }
  if (!batch[0]) return;
  let isTaken = false;
  for (const [, entry] of batch) entry.isSent = true;
  try {
    // text/plain needs no preflight; keepalive lets it outlive the page.
    const answer = await fetch(address('/v1/events'), {
      method: 'POST',
      keepalive: true,
      credentials: consent() ? 'include' : 'omit',
      headers: { 'Content-Type': 'text/plain' },
      body: JSON.stringify({ storefront: batch[0][1].storefront, events: batch.map(([, entry]) => entry.event) }),
    });
    // What the server understood and refused it would refuse again.
    isTaken = answer.status < 500 && answer.status !== 408 && answer.status !== 429;
  } catch { /* offline, or the server is away */ }
  for (const [key, entry] of batch) {
    if (isTaken) drop(key);
    else entry.isSent = false;
  }
  pause = isTaken ? SHORTEST : Math.min(pause * 2, LONGEST);
  if (waiting.size) schedule(isTaken ? 20 : pause);
}

/** Nothing of the visitor stays: neither on his disk nor in what was not sent yet. */
export function forgetEvents() {
  for (const [key, entry] of waiting) if (entry.event.visitor_id) waiting.delete(key);
  for (const key of storage.keys()) if (key.startsWith(PREFIX)) storage.write(key, null);
}

/** Takes up what earlier pages could not send, and listens for the network and for the end of the page. */
export function startQueue() {
  if (consent()) {
    for (const key of storage.keys().filter((key) => key.startsWith(PREFIX)).sort()) {
      try {
        waiting.set(key, { ...JSON.parse(String(storage.read(key))), isSent: false });
      } catch {
        storage.write(key, null);
      }
    }
  }
  addEventListener('online', () => { pause = SHORTEST; schedule(0); });
  addEventListener('pagehide', flush);
  document.addEventListener('visibilitychange', () => { if (document.hidden) flush(); });
  if (waiting.size) schedule(0);
}
