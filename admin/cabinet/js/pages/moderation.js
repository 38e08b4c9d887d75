// What waits for the retailer's decision: the queue beside the thing itself, decided by mouse or keyboard.

import { fill, h } from '../core/dom.js';
import { plural, t } from '../core/i18n.js';
import { api } from '../core/api.js';
import { ago } from '../core/format.js';
import { link, setQuery } from '../core/router.js';
import { setPageShortcuts } from '../core/keys.js';
import { advertiserNames, decisions, mayModerate } from '../core/session.js';
import { chip } from '../components/chip.js';
import { empty, failure, loading, present } from '../components/states.js';
import { moderationItem } from './moderation-item.js';

const PAGE = 100;

/** @type {import('../core/router.js').Route['page']} */
export async function moderationPage({ root, query, signal }) {
    const kind = query.get('kind') || '';
    const select = /** @type {HTMLSelectElement} */ (h(
        'select',
        { class: 'select', name: 'kind', 'aria-label': t('moderation.kind') },
        ['', 'campaign', 'creative'].map((one) =>
            h(
                'option',
                { value: one, selected: one === kind },
                t(one ? `moderation.kinds.${one}` : 'moderation.allKinds'),
            )
        ),
    ));
    select.addEventListener('change', () => setQuery({ kind: select.value || null, item: null, cursor: null }));
    const place = h('div', { class: 'moderation-place' });
    // A decision or a step in the queue leaves what is shown in place until the next is there.
    if (!root.querySelector('.moderation-place')) {
        fill(root, h('div', { class: 'page-head' }, h('h1', null, t('nav.moderation')), select), place);
    }
    const shown = /** @type {HTMLElement} */ (root.querySelector('.moderation-place'));
    await present(shown, signal, () => queue(query, signal), { lines: 8, quiet: true });
}

/** @param {URLSearchParams} query @param {AbortSignal} signal */
async function queue(query, signal) {
    const page = await api.get('/v1/moderation', {
        kind: query.get('kind'),
        advertiser: query.get('advertiser'),
        cursor: query.get('cursor'),
        limit: PAGE,
    }, signal);
    page.items = decisions(page.items);
    if (!page.items.length) {
        setPageShortcuts([], signal);
        return empty({
            title: t('moderation.none'),
            text: t('moderation.noneText'),
            action: h(
                'a',
                { class: 'button', href: link('/campaigns', { advertiser: query.get('advertiser') }) },
                t('nav.campaigns'),
            ),
        });
    }
    const names = await advertiserNames(page.items.map((/** @type {any} */ one) => one.advertiser), signal);
    const asked = query.get('item');
    const chosen = page.items.find((/** @type {any} */ one) => one.id === asked) || page.items[0];
    const at = page.items.indexOf(chosen);
    const detail = h('section', { class: 'decision', 'aria-label': t('moderation.item') });
    const step = (/** @type {number} */ by) => {
        const next = page.items[Math.max(0, Math.min(page.items.length - 1, at + by))];
        if (next !== chosen) setQuery({ item: next.id }, { replace: true });
    };
    // The next in the queue takes the place of what was decided.
    const decided = () => {
        const next = page.items[at + 1] || page.items[at - 1];
        setQuery({ item: next ? next.id : null }, { replace: true });
        dispatchEvent(new Event('nimb-moderated'));
    };
    show(detail, chosen, names, decided, step, signal);
    return h(
        'div',
        { class: asked ? 'split detail-first' : 'split' },
        h(
            'div',
            { class: 'queue' },
            h('p', { class: 'small muted' }, plural('moderation.waiting', page.items.length)),
            h(
                'ol',
                { class: 'queue-list' },
                page.items.map((/** @type {any} */ one) => entry(one, one === chosen, names, query)),
            ),
            page.next_cursor &&
                h('a', {
                    class: 'button',
                    href: link('/moderation', { ...Object.fromEntries(query), item: null, cursor: page.next_cursor }),
                }, t('paging.next')),
        ),
        h(
            'div',
            { class: 'detail' },
            h(
                'a',
                { class: 'back small', href: link('/moderation', { ...Object.fromEntries(query), item: null }) },
                t('moderation.back'),
            ),
            detail,
        ),
    );
}

/** @param {any} one @param {boolean} isChosen @param {Map<string, string>} names @param {URLSearchParams} query */
function entry(one, isChosen, names, query) {
    const stops = one.findings.filter((/** @type {any} */ finding) => finding.effect === 'block').length;
    const warns = one.findings.length - stops;
    return h(
        'li',
        null,
        h(
            'a',
            {
                class: 'queue-entry',
                href: link('/moderation', { ...Object.fromEntries(query), item: one.id }),
                'aria-current': isChosen ? 'true' : null,
                data: { id: one.id },
            },
            h('span', { class: 'queue-name' }, one.name || one.creative),
            h(
                'span',
                { class: 'small muted' },
                t(`moderation.kind.${one.kind}`),
                ' · ',
                names.get(one.advertiser) || one.advertiser,
                ' · ',
                ago(one.waiting_since),
            ),
            one.findings.length > 0 &&
                h(
                    'span',
                    { class: 'queue-findings' },
                    stops > 0 && chip('block', plural('moderation.blocks', stops)),
                    warns > 0 && chip('warn', plural('moderation.warns', warns)),
                ),
        ),
    );
}

/** @param {HTMLElement} place @param {any} chosen @param {Map<string, string>} names @param {() => void} decided @param {(by: number) => void} step @param {AbortSignal} signal */
async function show(place, chosen, names, decided, step, signal) {
    const walk = [
        { keys: 'j', label: t('keys.nextItem'), run: () => step(1) },
        { keys: 'k', label: t('keys.previousItem'), run: () => step(-1) },
    ];
    setPageShortcuts(walk, signal);
    fill(place, loading(5));
    try {
        const again = () => {
            show(place, chosen, names, decided, step, signal);
        };
        const item = await moderationItem(chosen.id, names, { decided, again, signal, mayDecide: mayModerate() });
        if (signal.aborted) return;
        fill(place, item.content);
        place.dataset.shown = chosen.id;
        setPageShortcuts([...item.shortcuts, ...walk], signal);
    } catch (error) {
        if (!signal.aborted) {
            fill(
                place,
                failure(error, () => {
                    show(place, chosen, names, decided, step, signal);
                }),
            );
        }
    }
}
