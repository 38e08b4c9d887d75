// @ts-check
// What is put on the page: markup made safe, the label's menu, and who sees which card for how long.

import { isEnglish } from './config.js';
import { send } from './queue.js';

/** Milliseconds that at least half of the pixels must be seen. */
const VIEWABLE = 1000;

const words = () => isEnglish()
  ? { ad: 'Реклама · Ad', inn: 'INN ', copy: 'Copy erid', copied: 'Copied' }
  : { ad: 'Реклама', inn: 'ИНН ', copy: 'Копировать erid', copied: 'Скопировано' };

/** @type {{createHTML: (text: string) => any} | undefined} */
let policy;

/** Markup of one ad. The server has escaped every value; whatever could run or restyle is taken out all the same.
 * @param {string} html */
function parse(html) {
  const trusted = /** @type {any} */ (window).trustedTypes;
  if (trusted) policy = policy || trusted.createPolicy('nimb', { createHTML: (/** @type {string} */ text) => text });
  const template = document.createElement('template');
  template.innerHTML = policy ? policy.createHTML(html) : html;
  for (const node of template.content.querySelectorAll('*')) {
    // What is parsed apart from a page holds the content of <noscript> as elements: its pixel would count as well.
    if (/^(script|noscript|style|link|meta|base|iframe|object|embed|form)$/i.test(node.localName)) node.remove();
    for (const { name, value } of [...node.attributes]) {
      const isAddress = /^(.*:)?(href|src|action|formaction|data|poster)$/i.test(name);
      if (/^on|^style$|^srcdoc$/i.test(name) || (isAddress && !/^(https?:\/\/|\/)/i.test(value))) {
        node.removeAttribute(name);
      }
    }
  }
  return template.content;
}

/** Replaces what a slot holds by its ads. @param {HTMLElement} slot @param {any[]} ads */
export function fill(slot, ads) {
  const parts = ads.map((ad) => {
    const part = parse(ad.html);
    const root = part.querySelector('.nimb-ad') || part.firstElementChild;
    if (root) root.setAttribute('data-nimb-ad', ad.token);
    return part;
  });
  slot.replaceChildren(...parts);
  slot.querySelectorAll('[data-nimb-ad]').forEach(begin);
}

/** An ad is on the page, rendered here or by the shop's server: it is counted once, watched, and its menu works.
 * @param {Element} root */
export function begin(root) {
  const token = root.getAttribute('data-nimb-ad');
  if (!token || root.hasAttribute('data-nimb-seen')) return;
  root.setAttribute('data-nimb-seen', '');
  send({ type: 'impression', token });
  const cards = root.querySelectorAll('[data-nimb-card]');
  for (const target of cards[0] ? cards : [root]) observer.observe(target);
  dress(root);
}

/** @param {Element} root */
function dress(root) {
  const word = words();
  const label = root.querySelector('.nimb-label b');
  if (label) label.textContent = word.ad;
  for (const line of root.querySelectorAll('.nimb-about p')) {
    line.textContent = String(line.textContent).replace(/^(ИНН|INN) /, word.inn);
  }
  for (const button of root.querySelectorAll('[data-nimb-copy]')) {
    button.textContent = word.copy;
    button.setAttribute('aria-live', 'polite');
    button.removeAttribute('hidden');
  }
}

/** @param {Element} button */
async function copy(button) {
  const text = button.getAttribute('data-nimb-copy') || '';
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https, or without leave: the old way.
    const area = document.createElement('textarea');
    area.value = text;
    button.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  button.textContent = words().copied;
}

/** What a page's single listeners do for all ads on it. */
export function startView() {
  /** @param {EventTarget | null} kept */
  const closeMenus = (kept) => {
    for (const menu of document.querySelectorAll('details.nimb-label[open]')) {
      if (!menu.contains(/** @type {Node | null} */ (kept))) menu.removeAttribute('open');
    }
  };
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') closeMenus(null); });
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    closeMenus(target);
    const button = target.closest && target.closest('[data-nimb-copy]');
    if (button) copy(button);
    else click(event, target);
  });
  document.addEventListener('visibilitychange', () => {
    for (const target of seen.keys()) document.hidden ? stopTimer(target) : startTimer(target);
  });
}

/** The link leads through the signed redirect, which counts the click. A shop that changes pages itself prevents the
 * event `nimb:click`; then the click is sent from here. @param {MouseEvent} event @param {Element} target */
function click(event, target) {
  const link = target.closest && target.closest('[data-nimb-ad] a[href]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  const root = /** @type {Element} */ (link.closest('[data-nimb-ad]'));
  const card = link.closest('[data-nimb-card]');
  const copied = root.querySelector('[data-nimb-copy]');
  const detail = {
    sku: card && card.getAttribute('data-nimb-sku'),
    erid: copied && copied.getAttribute('data-nimb-copy'),
  };
  if (!link.dispatchEvent(new CustomEvent('nimb:click', { bubbles: true, cancelable: true, detail }))) {
    event.preventDefault();
    send({ type: 'click', ...identity(card || root) });
  }
}

/** Token, and card where there is one. @param {Element} target */
function identity(target) {
  const root = target.closest('[data-nimb-ad]');
  const card = target.getAttribute('data-nimb-card');
  return { token: root && root.getAttribute('data-nimb-ad'), ...(card ? { card: Number(card) } : {}) };
}

/** What is seen to at least half now, with its running timer. @type {Map<Element, any>} */
const seen = new Map();

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, intersectionRatio } of entries) {
    stopTimer(target);
    if (isIntersecting && intersectionRatio >= 0.5) startTimer(target);
    else seen.delete(target);
  }
}, { threshold: 0.5 });

/** @param {Element} target */
function startTimer(target) {
  seen.set(target, document.hidden ? 0 : setTimeout(() => {
    forget(target);
    send({ type: 'viewable', ...identity(target) });
  }, VIEWABLE));
}

/** @param {Element} target */
function stopTimer(target) {
  clearTimeout(seen.get(target));
}

/** @param {Element} target */
function forget(target) {
  observer.unobserve(target);
  seen.delete(target);
}

/** Nothing of a slot is watched any more. @param {Element} slot */
export function end(slot) {
  for (const target of slot.querySelectorAll('[data-nimb-ad], [data-nimb-card]')) {
    stopTimer(target);
    forget(target);
  }
}
