// @ts-check
// The panel "why this ad": what the ad server answered for the slots of this page, in plain words.
'use strict';

(() => {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById('why'));
  const body = document.getElementById('why-body');
  if (!dialog || !body) return;

  const places = {
    'home.text': 'Строка вверху', 'home.top': 'Большой баннер', 'home.shelf': 'Товарная полка',
    'home.brand': 'Брендовая полка', 'category.top': 'Баннер раздела', 'category.shelf': 'Полка раздела',
    'product.similar': 'Похожие товары', 'product.sponsored': 'Товар в списке', 'search.top': 'Баннер поиска',
    'search.sponsored': 'Товар в результатах', 'cart.shelf': 'Полка в корзине', 'thanks.shelf': 'Полка после заказа',
  };
  const formats = {
    banner: 'баннер', 'product-shelf': 'товарная полка', 'brand-shelf': 'брендовая полка',
    'sponsored-product': 'продвигаемый товар', text: 'текст',
  };
  const reasons = {
    no_candidate: 'никто не покупал рекламу в этом месте',
    not_targeted: 'реклама есть, но она не для этой страницы или не для этого покупателя',
    paused: 'подходящая реклама на паузе',
    not_approved: 'подходящую рекламу ещё не одобрили',
    no_erid: 'у подходящей рекламы ещё нет erid',
    outside_flight: 'подходящая реклама ещё не началась или уже закончилась',
    below_floor: 'ставка ниже минимальной цены места',
    stock_stale: 'наличие товара давно не обновлялось, поэтому его не рекламируют',
    out_of_stock: 'рекламируемых товаров нет в наличии в вашем регионе',
    budget_exhausted: 'бюджет рекламы исчерпан',
    lease_exhausted: 'отведённая этому серверу часть бюджета исчерпана',
    paced: 'бюджет распределяется равномерно: сейчас очередь пропущена',
    frequency_capped: 'вы уже видели эту рекламу достаточно раз',
    caps_elsewhere: 'ваши показы считает другой сервер, этот пропустил рекламу с ограничением частоты',
    companion_missing: 'реклама показывается только вместе с другой, а той места не нашлось',
    competitor_blocked: 'реклама конкурента товара на этой странице',
    goal_reached: 'обещанные показы уже даны',
    holdout: 'вы в контрольной группе: так измеряют, помогает ли реклама',
    page_duplicate: 'этот товар или рекламодатель уже есть на странице',
    companion_missing: 'эта реклама показывается только вместе с другой, а той места не нашлось',
    competitor_blocked: 'на этой странице не показывают рекламу других брендов',
    goal_reached: 'обещанные показы уже сделаны',
    log_full: 'сервер рекламы перегружен', stopped: 'показ рекламы остановлен площадкой', preview: 'идёт предпросмотр',
    timeout: 'ответ не успел прийти, страница не стала ждать', unreachable: 'сервер рекламы не отвечает',
    no_style: 'не загрузилось оформление рекламы', no_markup: 'рекламу не удалось показать',
    refused: 'магазин назвал место, которого нет',
  };

  /** @param {string} name @param {string} [text] @param {string} [kind] */
  function element(name, text, kind) {
    const node = document.createElement(name);
    if (text) node.textContent = text;
    if (kind) node.className = kind;
    return node;
  }

  /** @param {any} slot */
  function explain(slot) {
    if (!slot.ads) return 'Показан товар магазина: ' + (/** @type {any} */ (reasons)[slot.no_fill] || slot.no_fill) + '.';
    return slot.ads.map((/** @type {any} */ ad) => {
      const format = /** @type {any} */ (formats)[ad.format] || ad.format;
      return 'Реклама (' + format + '): ' + ad.label.advertiser + ', ИНН ' + ad.label.inn + ', креатив ' + ad.creative_id
        + '. Она выиграла место у других подходящих.';
    }).join(' ');
  }

  /** What the shop's server was told of a slot of a decision. @param {any} told */
  function detail(told) {
    const lines = [];
    for (const won of told.won) {
      lines.push('Победила кампания ' + won.campaign + (won.interests ? ': она подходит к тому, что вы смотрели' : '') + '.');
    }
    const others = Object.entries(told.others).map(([reason, count]) =>
      (reason === 'outbid' ? 'чужая ставка оказалась выше' : /** @type {any} */ (reasons)[reason] || reason) + ' — ' + count);
    if (others.length) lines.push('Остальные: ' + others.join('; ') + '.');
    return lines.join(' ');
  }

  /** Asks the shop's server, which asks the ad server with the retailer's key. @param {string} id @param {HTMLElement[]} cells */
  async function ask(id, cells) {
    try {
      const answer = await fetch('/shop/why/' + encodeURIComponent(id));
      const told = await answer.json();
      told.slots.forEach((/** @type {any} */ slot, /** @type {number} */ index) => {
        const text = detail(slot);
        if (cells[index] && text) cells[index].append(element('span', ' ' + text, 'why-detail'));
      });
    } catch {
      // The panel says what the page itself knows.
    }
  }

  function show() {
    const nimb = /** @type {any} */ (window).nimb;
    const list = nimb && nimb.debug ? nimb.debug() : null;
    const nodes = [];
    if (!list || !list.answers.length) {
      nodes.push(element('p', list ? 'На этой странице рекламы не спрашивали.' : 'Сервер рекламы не отвечает: страница показана без неё.'));
    } else {
      nodes.push(element('p', list.consent
        ? 'Вы согласились на персонализацию: учитываются ваши просмотры и покупки в этом магазине.'
        : 'Вы не давали согласия: реклама подобрана только по странице и региону.'));
    }
    for (const answer of (list ? list.answers : []).slice().reverse()) {
      const took = answer.milliseconds === undefined ? 'ответа ещё нет' : answer.milliseconds + ' мс';
      const head = element('p', 'Решение ', 'why-id');
      head.append(element('code', answer.decision_id || '—'), ', ' + took);
      const rows = element('dl');
      /** @type {HTMLElement[]} */
      const cells = [];
      for (const [name, slot] of Object.entries(answer.slots)) {
        const place = name.replace(/:\d+$/, '');
        const term = element('dt', /** @type {any} */ (places)[place] || place);
        term.append(' ', element('code', name));
        const cell = element('dd', explain(slot), /** @type {any} */ (slot).ads ? 'filled' : '');
        cells.push(cell);
        rows.append(term, cell);
      }
      if (answer.decision_id) ask(answer.decision_id, cells);
      nodes.push(head, rows);
    }
    /** @type {HTMLElement} */ (body).replaceChildren(...nodes);
    /** @type {HTMLDialogElement} */ (dialog).showModal();
  }

  for (const button of document.querySelectorAll('[data-why]')) button.addEventListener('click', show);
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
})();
