// The balance of an advertiser and the last lines of his statement.

import { fill, h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { api, segment } from '../core/api.js';
import { money, plusDays, range, shortDay } from '../core/format.js';
import { link } from '../core/router.js';
import { advertiserNames, currentSession, isRetailer, loadRegistry, onlyAdvertiser } from '../core/session.js';
import { explained, tiles } from '../components/metric.js';
import { empty, present } from '../components/states.js';
import { table } from '../components/table.js';

/** Days of the statement that is shown, and lines of it. */
const DAYS = 30;
const LINES = 500;
const SHOWN = 40;
const TILES = ['balance', 'available', 'reserved', 'credit_limit', 'spent'];

/** @type {import('../core/router.js').Route['page']} */
export async function walletPage({ root, query, signal }) {
    const advertiser = query.get('advertiser') || onlyAdvertiser();
    const place = h('div', null);
    fill(root, h('div', { class: 'page-head' }, h('h1', null, t('nav.wallet'))), place);
    await present(place, signal, () => (advertiser ? wallet(advertiser, signal) : chooser(signal)), { lines: 6 });
}

/** @param {AbortSignal} signal */
async function chooser(signal) {
    const list = isRetailer()
        ? (await api.get('/v1/advertisers', { limit: 500 }, signal)).items
        : currentSession()?.advertisers || [];
    if (!list.length) return empty({ title: t('wallet.nobody'), text: t('wallet.nobodyText') });
    const wallets = await Promise.all(
        list.slice(0, 100).map((/** @type {any} */ one) =>
            api.get(`/v1/advertisers/${segment(one.id)}/wallet`, {}, signal)
        ),
    );
    return [
        h('p', { class: 'muted' }, t('wallet.choose')),
        table({
            caption: t('wallet.choose'),
            rows: list.slice(0, 100).map((/** @type {any} */ one, /** @type {number} */ index) => ({
                one,
                wallet: wallets[index],
            })),
            key: (row) => row.one.id,
            columns: [
                {
                    name: 'advertiser',
                    label: t('nav.advertiser'),
                    title: t('nav.advertiser'),
                    cell: (row) =>
                        h('a', { class: 'row-link', href: link('/wallet', { advertiser: row.one.id }) }, row.one.name),
                },
                ...['balance', 'available', 'spent'].map((name) => ({
                    name,
                    label: t(`wallet.${name}`),
                    title: t(`wallet.${name}`),
                    number: true,
                    cell: (/** @type {any} */ row) => money(row.wallet[`${name}_micros`]),
                })),
            ],
        }),
    ];
}

/** @param {string} advertiser @param {AbortSignal} signal */
async function wallet(advertiser, signal) {
    const { today } = await loadRegistry();
    const from = plusDays(today, 1 - DAYS);
    const base = `/v1/advertisers/${segment(advertiser)}/wallet`;
    const [state, statement, names] = await Promise.all([
        api.get(base, {}, signal),
        api.get(`${base}/statement`, { from, to: today, limit: LINES }, signal),
        advertiserNames([advertiser], signal),
    ]);
    const lines = [...statement.items].reverse();
    return h(
        'div',
        null,
        h('p', { class: 'freshness small muted' }, names.get(advertiser) || advertiser, ' · ', t('wallet.withoutVAT')),
        tiles(
            t('nav.wallet'),
            TILES.map((name) =>
                h(
                    'div',
                    { class: 'tile', data: { metric: name } },
                    h('div', { class: 'tile-label' }, explained(t(`wallet.${name}`), t(`wallet.${name}Why`))),
                    h(
                        'div',
                        { class: `tile-value number${state[`${name}_micros`] < 0 ? ' bad' : ''}` },
                        money(state[`${name}_micros`]),
                    ),
                )
            ),
        ),
        state.over_delivery_micros > 0 &&
            h('p', { class: 'notice' }, t('wallet.over', { money: money(state.over_delivery_micros) })),
        h(
            'section',
            { class: 'block' },
            h(
                'div',
                { class: 'block-head' },
                h('h2', null, t('wallet.statement')),
                h('span', { class: 'small muted' }, range(from, today)),
                h(
                    'a',
                    {
                        class: 'button plain',
                        href: `${base}/statement?from=${from}&to=${today}&format=csv`,
                        download: true,
                    },
                    t('action.csv'),
                ),
            ),
            lines.length
                ? table({
                    caption: t('wallet.statement'),
                    rows: lines.slice(0, SHOWN),
                    columns: [
                        {
                            name: 'day',
                            label: t('wallet.day'),
                            title: t('wallet.day'),
                            cell: (line) => shortDay(line.day),
                        },
                        {
                            name: 'kind',
                            label: t('wallet.kind'),
                            title: t('wallet.kind'),
                            cell: (
                                line,
                            ) => [
                                t(`wallet.kind.${line.kind}`),
                                (line.reference || line.reason) &&
                                h(
                                    'div',
                                    { class: 'small muted' },
                                    [line.reference, line.reason].filter(Boolean).join(' · '),
                                ),
                            ],
                        },
                        {
                            name: 'amount',
                            label: t('wallet.amount'),
                            title: t('wallet.amount'),
                            number: true,
                            cell: (line) =>
                                h(
                                    'span',
                                    { class: line.amount_micros > 0 ? 'good' : null },
                                    (line.amount_micros > 0 ? '+' : '') + money(line.amount_micros),
                                ),
                        },
                        {
                            name: 'balance',
                            label: t('wallet.after'),
                            title: t('wallet.after'),
                            number: true,
                            cell: (line) => money(line.balance_micros),
                        },
                    ],
                })
                : empty({ title: t('wallet.noLines'), text: t('wallet.noLinesText') }),
        ),
    );
}
