// What a campaign consists of: line items with their budgets, creatives as they look, and how it came to its state.

import { fill, h } from '../core/dom.js';
import { has, plural, t } from '../core/i18n.js';
import { api } from '../core/api.js';
import { flightDays, moment, money, share } from '../core/format.js';
import { campaignChip, chip, creativeChip } from '../components/chip.js';
import { empty, present } from '../components/states.js';
import { preview } from '../components/preview.js';
import { progress, table } from '../components/table.js';

/** Creatives whose look is shown; the others stand as names. */
const PREVIEWS = 24;

/** @param {any} campaign @param {any[]} items */
export function lineItems(campaign, items) {
    const block = (/** @type {import('../core/dom.js').Child} */ content) =>
        h(
            'section',
            { class: 'block', data: { block: 'line-items' } },
            h(
                'div',
                { class: 'block-head' },
                h('h2', null, t('lineItems.title')),
                h('span', { class: 'small muted' }, plural('lineItems.count', items.length)),
            ),
            content,
        );
    if (!items.length) return block(empty({ title: t('lineItems.none'), text: t('lineItems.noneText') }));
    return block(table({
        caption: t('lineItems.title'),
        rows: items,
        key: (line) => line.id,
        columns: [
            {
                name: 'name',
                label: t('lineItems.name'),
                title: t('lineItems.name'),
                cell: (
                    line,
                ) => [
                    line.name,
                    h(
                        'div',
                        { class: 'small muted' },
                        plural('lineItems.products', line.products),
                        ' · ',
                        t(`tier.${line.tier}`),
                    ),
                    line.shelf && line.shelf.algorithms.length
                        ? h(
                            'div',
                            { class: 'small muted' },
                            t('lineItems.shelf'),
                            line.shelf.algorithms.map((/** @type {string} */ name) => t(`shelf.${name}`)).join(' → '),
                        )
                        : null,
                ],
            },
            {
                name: 'state',
                label: t('campaigns.state'),
                title: t('campaigns.state'),
                cell: (line) => lineChip(campaign, line),
            },
            {
                name: 'flight',
                label: t('lineItems.flight'),
                title: t('lineItems.flight'),
                cell: (line) => flightDays(line.flight.from, line.flight.to),
            },
            {
                name: 'price',
                label: t('lineItems.price'),
                title: t('lineItems.price'),
                number: true,
                cell: (
                    line,
                ) => [money(line.bid_micros), h('div', { class: 'small muted' }, t(`pricing.${line.pricing}`))],
            },
            {
                name: 'daily',
                label: t('lineItems.daily'),
                title: t('lineItems.daily'),
                number: true,
                cell: (
                    line,
                ) => (line.daily_budget_micros === null ? t('lineItems.unlimited') : money(line.daily_budget_micros)),
            },
            { name: 'budget', label: t('lineItems.budget'), title: t('lineItems.budget'), number: true, cell: budget },
        ],
    }));
}

/** @param {any} line */
function budget(line) {
    if (line.total_budget_micros === null) {
        return [money(line.spent_micros), h('div', { class: 'small muted' }, t('lineItems.unlimited'))];
    }
    const used = line.total_budget_micros > 0 ? line.spent_micros / line.total_budget_micros : 0;
    return h(
        'div',
        { class: 'budget' },
        h('span', null, money(line.spent_micros)),
        progress(line.spent_micros, line.total_budget_micros, t('lineItems.used', { share: share(used) })),
        h(
            'span',
            { class: 'small muted' },
            t('lineItems.of', { money: money(line.total_budget_micros), share: share(used) }),
        ),
    );
}

/** @param {any} campaign @param {any} line */
function lineChip(campaign, line) {
    if (line.archived) return chip('archived');
    if (line.paused) return chip('paused');
    if (Date.parse(line.flight.to) <= Date.now()) return chip('finished', t('lineItems.ended'));
    if (Date.parse(line.flight.from) > Date.now()) return chip('draft', t('lineItems.later'));
    return campaign.state === 'active' ? chip('active', t('lineItems.active')) : campaignChip(campaign);
}

/** @param {any[]} creatives @param {any[]} items */
export function creativeCards(creatives, items) {
    const names = new Map(items.map((line) => [line.id, line.name]));
    return h(
        'section',
        { class: 'block', data: { block: 'creatives' } },
        h(
            'div',
            { class: 'block-head' },
            h('h2', null, t('creatives.title')),
            h('span', { class: 'small muted' }, plural('creatives.count', creatives.length)),
        ),
        creatives.length
            ? h(
                'div',
                { class: 'cards' },
                creatives.map((creative, index) =>
                    card(creative, names.get(creative.line_item) || creative.line_item, index < PREVIEWS)
                ),
            )
            : empty({ title: t('creatives.none'), text: t('creatives.noneText') }),
    );
}

/** @param {any} creative @param {string} lineName @param {boolean} looks */
function card(creative, lineName, looks) {
    const { newest } = creative;
    return h(
        'article',
        { class: 'creative', data: { id: creative.id } },
        looks && preview(creative, newest.version),
        h(
            'div',
            { class: 'creative-body' },
            h('div', { class: 'creative-head' }, h('h3', null, creativeName(creative)), creativeChip(creative)),
            h(
                'p',
                { class: 'small muted' },
                formatName(creative.format),
                ' · ',
                lineName,
                ' · ',
                t('creative.version', { n: newest.version }),
            ),
            newest.erid && h('p', { class: 'small muted' }, 'erid ', h('code', null, newest.erid)),
            creative.serving_version && creative.serving_version !== newest.version &&
                h('p', { class: 'small' }, t('creative.oldServes', { n: creative.serving_version })),
            newest.feedback && h('p', { class: 'small bad' }, newest.feedback),
            newest.registration?.error && h('p', { class: 'small bad' }, newest.registration.error.message),
        ),
    );
}

/** A creative's name, or what it says where nobody gave it one. @param {any} creative */
export const creativeName = (creative) =>
    creative.name || creative.newest.fields.headline || creative.newest.fields.title || creative.id;

/** @param {string} format */
export const formatName = (format) => (has(`format.${format}`) ? t(`format.${format}`) : format);

/** @param {string} base @param {AbortSignal} signal */
export function history(base, signal) {
    const place = h('div', null);
    const details = h(
        'details',
        { class: 'block history' },
        h('summary', null, h('h2', null, t('history.title'))),
        place,
    );
    details.addEventListener('toggle', () => {
        if (place.childElementCount) return;
        present(place, signal, async () => {
            const page = await api.get(`${base}/transitions`, { limit: 100 }, signal);
            const list = h('ol', { class: 'timeline' });
            fill(
                list,
                [...page.items].reverse().map((/** @type {any} */ one) =>
                    h(
                        'li',
                        null,
                        chip(one.to),
                        ' ',
                        h('span', { class: 'small muted' }, moment(one.at), ' · ', actorName(one.actor)),
                        one.reason && !/^[a-z_ ]+$/.test(one.reason) && h('p', { class: 'small' }, one.reason),
                    )
                ),
            );
            return page.items.length ? list : h('p', { class: 'muted' }, t('history.none'));
        }, { lines: 2 });
    });
    return details;
}

/** @param {string} actor */
function actorName(actor) {
    const kind = actor.split(':')[0];
    return has(`actor.${kind}`) ? t(`actor.${kind}`) : actor;
}
