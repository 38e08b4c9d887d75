// One campaign: its state and what can be done, the curve of its money, what it consists of.

import { fill, h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { address, api, segment } from '../core/api.js';
import { clock, count, daysBetween, flightDays, longDay, moment, money, plusDays, share } from '../core/format.js';
import { link } from '../core/router.js';
import { advertiserNames, loadRegistry, mayRun } from '../core/session.js';
import { nothing, performance } from '../core/reports.js';
import { servingHints } from '../core/serving.js';
import { setPageShortcuts } from '../core/keys.js';
import { campaignChip } from '../components/chip.js';
import { moneyChart } from '../components/chart.js';
import { freshness, metricLabel, metricTitle, tile, tiles } from '../components/metric.js';
import { beforeText, comparedText, period, periodPicker, periodText } from '../components/period.js';
import { present } from '../components/states.js';
import { table } from '../components/table.js';
import { campaignActions } from './campaign-actions.js';
import { creativeCards, history, lineItems } from './campaign-parts.js';
import { whyNot } from './campaign-why.js';

const FALLBACK = '30d';
const PERIODS = ['today', 'yesterday', '7d', '30d', '90d'];
const TILES = [
    'spend_micros',
    'impressions',
    'clicks',
    'ctr',
    'direct_sales_micros',
    'halo_sales_micros',
    'cost_share',
    'roas',
];

/** @type {import('../core/router.js').Route['page']} */
export async function campaignPage({ root, params, query, signal }) {
    const base = `/v1/campaigns/${segment(params.id)}`;
    const head = h('div', { class: 'campaign-head' });
    const numbers = h('div', { class: 'numbers' });
    const parts = h('div', { class: 'parts' });
    fill(
        root,
        h(
            'nav',
            { class: 'crumbs small', 'aria-label': t('nav.crumbs') },
            h('a', { href: link('/campaigns', { advertiser: query.get('advertiser') }) }, t('nav.campaigns')),
        ),
        head,
        numbers,
        parts,
    );
    /** @type {any} */
    let campaign = null;
    const load = async () => {
        campaign = await api.get(base, {}, signal);
        const [names, wallet, items, creatives] = await Promise.all([
            advertiserNames([campaign.advertiser], signal),
            api.get(`/v1/advertisers/${segment(campaign.advertiser)}/wallet`, {}, signal).catch(() => null),
            everything(`${base}/line-items`, {}, signal),
            everything('/v1/creatives', { campaign: campaign.id }, signal),
        ]);
        const reload = () => campaignPage({ root, params, query, signal });
        fill(
            parts,
            lineItems(campaign, items),
            creativeCards(creatives, items),
            whyNot(items, signal),
            history(base, signal),
        );
        return header(
            campaign,
            names.get(campaign.advertiser),
            servingHints(campaign, items, creatives, wallet, Date.now()),
            reload,
            signal,
        );
    };
    await present(head, signal, load, { lines: 2 });
    if (signal.aborted || !campaign) return;
    await present(numbers, signal, () => evidence(campaign, query, signal), { lines: 6 });
}

/** All pages of a list, up to a bound. @param {string} path @param {Record<string, any>} params @param {AbortSignal} signal */
export async function everything(path, params, signal) {
    const items = [];
    let cursor = null;
    do {
        const page = await api.get(path, { ...params, limit: 500, cursor }, signal);
        items.push(...page.items);
        cursor = page.next_cursor;
    } while (cursor && items.length < 2000);
    return items;
}

/** @param {any} campaign @param {string | undefined} advertiser @param {import('../core/serving.js').Hint[]} hints @param {() => void} reload @param {AbortSignal} signal */
function header(campaign, advertiser, hints, reload, signal) {
    const actions = mayRun(campaign.advertiser) ? campaignActions(campaign, reload) : null;
    setPageShortcuts(actions ? actions.shortcuts : [], signal);
    const facts = [
        advertiser || campaign.advertiser,
        campaign.starts_at && flightDays(campaign.starts_at, campaign.ends_at),
        campaign.kktu ? t('campaign.kktu', { code: campaign.kktu }) : null,
        t('campaign.contract', { id: campaign.contract }),
        t('campaign.policy', { id: campaign.policy }),
    ].filter(Boolean);
    return [
        h(
            'div',
            { class: 'page-head' },
            h(
                'div',
                null,
                h('h1', null, campaign.name),
                h(
                    'p',
                    { class: 'facts small muted' },
                    campaignChip(campaign),
                    facts.map((fact) => h('span', null, fact)),
                ),
            ),
            actions && h('div', { class: 'actions' }, actions.buttons),
        ),
        campaign.feedback &&
        h(
            'div',
            { class: 'notice bad', role: 'note' },
            h('strong', null, t('campaign.feedback')),
            ' ',
            campaign.feedback,
        ),
        hints.length > 0 &&
        h(
            'section',
            { class: 'notice hints', 'aria-label': t('serving.title') },
            h('strong', null, t(campaign.state === 'draft' ? 'serving.draft' : 'serving.title')),
            h(
                'ul',
                null,
                hints.slice(0, 8).map((hint) =>
                    h(
                        'li',
                        null,
                        t(`serving.${hint.code}`, {
                            ...hint.values,
                            at: hint.values?.at ? moment(hint.values.at) : '',
                        }),
                    )
                ),
                hints.length > 8 && h('li', null, t('serving.more', { n: hints.length - 8 })),
            ),
        ),
    ].filter(Boolean);
}

/** Tiles, chart and table of the chosen period. @param {any} campaign @param {URLSearchParams} query @param {AbortSignal} signal */
async function evidence(campaign, query, signal) {
    const { today } = await loadRegistry();
    const chosen = period(query, today, FALLBACK);
    const question = { advertiser: campaign.advertiser, campaign: campaign.id };
    const [report, before] = await Promise.all([
        performance({ ...question, from: chosen.from, to: chosen.to, by: 'day', limit: 400 }, signal),
        performance({ ...question, from: chosen.beforeFrom, to: chosen.beforeTo, by: 'day', limit: 1 }, signal),
    ]);
    const known = new Map(report.rows.map((/** @type {any} */ row) => [row.day, row]));
    const days = Array.from(
        { length: daysBetween(chosen.from, chosen.to) },
        (_, index) => plusDays(chosen.from, index),
    );
    const rows = days.map((day) => ({ ...(known.get(day) || nothing()), day }));
    const csv = address('/v1/reports/performance', {
        ...question,
        from: chosen.from,
        to: chosen.to,
        by: 'day',
        format: 'csv',
    });
    return h(
        'div',
        null,
        h(
            'div',
            { class: 'block-head' },
            periodPicker(chosen, PERIODS, FALLBACK),
            h('a', { class: 'button plain', href: csv, download: true }, t('action.csv')),
        ),
        freshness(report, periodText(chosen), clock, comparedText(chosen)),
        // A row of zeros says less than a sentence.
        (known.size > 0 || before.rows.length > 0) &&
            tiles(
                t('campaign.numbers'),
                TILES.map((name) =>
                    tile(name, report.totals, before.totals, beforeText(chosen), !chosen.running || chosen.days > 1)
                ),
            ),
        known.size === 0
            ? h(
                'p',
                { class: 'notice' },
                t(campaign.state === 'active' ? 'campaign.noNumbersYet' : 'campaign.noNumbers'),
            )
            : moneyChart({
                title: t('campaign.chart'),
                days,
                signal,
                series: [
                    {
                        label: metricTitle('direct_sales_micros'),
                        kind: 'bar',
                        colour: '--chart-direct',
                        micros: rows.map((row) => row.direct_sales_micros),
                    },
                    {
                        label: metricTitle('halo_sales_micros'),
                        kind: 'bar',
                        colour: '--chart-halo',
                        micros: rows.map((row) => row.halo_sales_micros),
                    },
                    {
                        label: metricTitle('spend_micros'),
                        kind: 'line',
                        colour: '--chart-spend',
                        micros: rows.map((row) => row.spend_micros),
                    },
                ],
                twin: table({
                    caption: `${t('campaign.chart')}, ${periodText(chosen)}`,
                    columns: dayColumns(),
                    rows: [...rows].reverse(),
                    totals: { ...report.totals, day: null },
                    stacked: false,
                }),
            }),
    );
}

function dayColumns() {
    const number = (/** @type {string} */ name, /** @type {(value: any) => string} */ form) => ({
        name,
        label: metricLabel(name),
        title: metricTitle(name),
        number: true,
        cell: (/** @type {any} */ row) => form(row[name]),
    });
    return [
        {
            name: 'day',
            label: t('wallet.day'),
            title: t('wallet.day'),
            cell: (/** @type {any} */ row) => (row.day ? longDay(row.day) : t('table.total')),
        },
        number('spend_micros', money),
        number('direct_sales_micros', money),
        number('halo_sales_micros', money),
        number('net_sales_micros', money),
        number('cost_share', share),
        number('impressions', count),
        number('clicks', count),
        number('ctr', share),
    ];
}
