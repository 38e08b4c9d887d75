// @ts-check
// What the shop's pages do beside being pages: they work without this file, only with more page loads.
'use strict';

(() => {
  const page = /** @type {any} */ (window);
  const queue = () => (page.nimbQueue = page.nimbQueue || []);

  /** Tells the ad server what the shopper did; the tag sends nothing without consent.
   * @param {string} type @param {Record<string, string | undefined>} [about] */
  function track(type, about) {
    queue().push((/** @type {any} */ nimb) => nimb.track(type, about));
  }

  const { signal, sku, category, query } = document.body.dataset;
  track('page_view');
  if (signal) track(signal, { sku, category, query });

  const status = /** @type {HTMLElement} */ (document.querySelector('[data-status]'));
  const counter = /** @type {HTMLElement} */ (document.querySelector('[data-cart-count]'));

  // Putting something into the cart keeps the shopper where he is.
  document.addEventListener('submit', async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches('[data-add]')) return;
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
    const before = button.textContent;
    button.disabled = true;
    const data = new FormData(form);
    try {
      const answer = await fetch(form.action, {
        method: 'POST', headers: { Accept: 'application/json' },
        body: new URLSearchParams(/** @type {any} */ (data)),
      });
      if (!answer.ok) throw new Error('shop');
      const { units } = await answer.json();
      track('add_to_cart', { sku: String(data.get('sku')) });
      counter.textContent = units;
      counter.hidden = false;
      button.textContent = 'Добавлено';
      button.classList.add('done');
      status.textContent = 'Добавлено в корзину. Всего товаров: ' + units;
      setTimeout(() => {
        button.textContent = before;
        button.classList.remove('done');
        button.disabled = false;
      }, 1500);
    } catch {
      // The plain form says what is wrong.
      button.disabled = false;
      form.submit();
    }
  });

  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const removed = target.closest('[data-remove]');
    if (removed) track('remove_from_cart', { sku: removed.getAttribute('data-remove') || undefined });
    for (const menu of document.querySelectorAll('details.region[open]')) {
      if (!menu.contains(target)) menu.removeAttribute('open');
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of document.querySelectorAll('details.region[open]')) menu.removeAttribute('open');
  });
})();
