// The list of campaigns: what they did today, filtered by what stands in the address.

import { fill, h } from '../core/dom.js';
import { plural, t } from '../core/i18n.js';
import { api } from '../core/api.js';
import { clock, count, dayOf, money, share } from '../core/format.js';
import { link, setQuery } from '../core/router.js';
import { setPageShortcuts } from '../core/keys.js';
import { advertiserNames, isRetailer, loadRegistry, onlyAdvertiser } from '../core/session.js';
import { byCampaign, nothing, sum } from '../core/reports.js';
import { campaignChip } from '../components/chip.js';
import { freshness, metricLabel, metricTitle, tile, tiles } from '../components/metric.js';
import { beforeText, comparedText, period, periodPicker, periodText } from '../components/period.js';
import { empty, present } from '../components/states.js';
import { table } from '../components/table.js';

const PAGE = 50;
const STATES = ['active', 'moderation', 'approved', 'paused', 'draft', 'rejected', 'finished', 'archived'];
/** What is shown unless a state is asked for: everything that is not put away. */
const OPEN_STATES = STATES.filter((state) => state !== 'archived').join(',');
const PERIODS = ['today', 'yesterday', '7d', '30d'];
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
export async function campaignsPage({ root, query, signal }) {
    if (!root.querySelector('[data-page="campaigns"]')) {
        fill(
            root,
            h(
                'div',
                { data: { page: 'campaigns' } },
                h(
                    'div',
                    { class: 'page-head' },
                    h('h1', null, t('nav.campaigns')),
                    h('div', { class: 'period-place' }),
                ),
                filters(),
                h('div', { class: 'list-place' }),
            ),
        );
    }
    keepFilters(root, query);
    setPageShortcuts(rowKeys(root), signal);
    const place = /** @type {HTMLElement} */ (root.querySelector('.list-place'));
    await present(place, signal, () => list(root, query, signal), { lines: 8 });
}

function filters() {
    const search = /** @type {HTMLInputElement} */ (h('input', {
        class: 'input',
        type: 'search',
        name: 'q',
        placeholder: t('campaigns.search'),
        'aria-label': t('campaigns.search'),
        maxlength: 100,
    }));
    let timer = 0;
    search.addEventListener('input', () => {
        clearTimeout(timer);
        timer = setTimeout(() => setQuery({ q: search.value.trim() || null, cursor: null }, { replace: true }), 250);
    });
    const state = /** @type {HTMLSelectElement} */ (h(
        'select',
        { class: 'select', name: 'state', 'aria-label': t('campaigns.state') },
        h('option', { value: '' }, t('campaigns.anyState')),
        STATES.map((one) => h('option', { value: one }, t(`state.of.${one}`))),
    ));
    state.addEventListener('change', () => setQuery({ state: state.value || null, cursor: null }));
    return h(
        'form',
        {
            class: 'filters',
            role: 'search',
            on: { submit: (/** @type {Event} */ event) => event.preventDefault() },
        },
        search,
        state,
        h('button', {
            class: 'button plain',
            type: 'button',
            data: { action: 'clear-filters' },
            on: { click: () => setQuery({ q: null, state: null, cursor: null }) },
        }, t('campaigns.clear')),
    );
}

/** The filter bar as the address says; what is being typed stays. @param {HTMLElement} root @param {URLSearchParams} query */
function keepFilters(root, query) {
    const search = /** @type {HTMLInputElement} */ (root.querySelector('input[name="q"]'));
    if (search !== document.activeElement) search.value = query.get('q') || '';
    /** @type {HTMLSelectElement} */ (root.querySelector('select[name="state"]')).value = query.get('state') || '';
    /** @type {HTMLElement} */ (root.querySelector('[data-action="clear-filters"]')).hidden =
        !(query.get('q') || query.get('state'));
}

/** @param {HTMLElement} root @param {URLSearchParams} query @param {AbortSignal} signal */
async function list(root, query, signal) {
    const advertiser = query.get('advertiser');
    const [registry, page] = await Promise.all([
        loadRegistry(),
        api.get('/v1/campaigns', {
            q: query.get('q'),
            state: query.get('state') || OPEN_STATES,
            advertiser,
            cursor: query.get('cursor'),
            limit: PAGE,
        }, signal),
    ]);
    const chosen = period(query, registry.today, 'today');
    const place = root.querySelector('.period-place');
    if (place) fill(place, periodPicker(chosen, PERIODS, 'today'));
    const campaigns = page.items;
    if (!campaigns.length) return nothingFound(query);
    const advertisers = campaigns.map((/** @type {any} */ one) => one.advertiser);
    const [report, before, names] = await Promise.all([
        byCampaign(advertisers, chosen, signal),
        byCampaign(advertisers, { from: chosen.beforeFrom, to: chosen.beforeTo }, signal),
        advertiserNames(advertisers, signal),
    ]);
    const rows = campaigns.map((/** @type {any} */ campaign) => ({
        campaign,
        numbers: report.rows.get(campaign.id) || nothing(),
    }));
    const shown = (/** @type {Map<string, any>} */ all) =>
        sum(campaigns.flatMap((/** @type {any} */ one) => all.get(one.id) || []));
    const totals = shown(report.rows);
    const manyAdvertisers = !onlyAdvertiser() && !advertiser;
    return h(
        'div',
        null,
        freshness(report, periodText(chosen), clock, comparedText(chosen)),
        tiles(
            t('campaigns.totals'),
            TILES.map((name) =>
                tile(name, totals, shown(before.rows), beforeText(chosen), !chosen.running || chosen.days > 1)
            ),
        ),
        table({
            caption: t('campaigns.caption', { period: periodText(chosen) }),
            columns: columns(names, manyAdvertisers, query),
            rows,
            totals: { total: campaigns.length, numbers: totals },
            key: (row) => row.campaign.id,
        }),
        paging(page, query, campaigns.length),
    );
}

/** @param {Map<string, string>} names @param {boolean} manyAdvertisers @param {URLSearchParams} query */
function columns(names, manyAdvertisers, query) {
    const number = (/** @type {string} */ name, /** @type {(value: any) => string} */ form) => ({
        name,
        label: metricLabel(name),
        title: metricTitle(name),
        number: true,
        cell: (/** @type {any} */ row) => form(row.numbers[name]),
    });
    return [
        {
            name: 'campaign',
            label: t('campaigns.name'),
            title: t('campaigns.name'),
            cell: (
                /** @type {any} */ row,
            ) => (row.total ? plural('campaigns.total', row.total) : [
                h('a', {
                    class: 'row-link',
                    href: link(`/campaigns/${encodeURIComponent(row.campaign.id)}`, {
                        period: query.get('period') === '30d' ? null : query.get('period'),
                        advertiser: query.get('advertiser'),
                    }),
                }, row.campaign.name),
                h(
                    'div',
                    { class: 'small muted' },
                    manyAdvertisers ? `${names.get(row.campaign.advertiser) || row.campaign.advertiser} · ` : '',
                    flight(row.campaign),
                ),
            ]),
        },
        {
            name: 'state',
            label: t('campaigns.state'),
            title: t('campaigns.state'),
            cell: (/** @type {any} */ row) => (row.total ? null : campaignChip(row.campaign)),
        },
        number('impressions', count),
        number('clicks', count),
        number('ctr', share),
        number('spend_micros', money),
        number('direct_sales_micros', money),
        number('halo_sales_micros', money),
        number('cost_share', share),
    ];
}

/** @param {any} campaign */
function flight(campaign) {
    if (!campaign.starts_at) return t('campaigns.noFlight');
    if (Date.parse(campaign.starts_at) > Date.now()) return t('campaigns.from', { day: dayOf(campaign.starts_at) });
    // The end is exclusive: the last day is the one before it.
    return t('campaigns.until', { day: dayOf(new Date(Date.parse(campaign.ends_at) - 1).toISOString()) });
}

/** @param {any} page @param {URLSearchParams} query @param {number} shown */
function paging(page, query, shown) {
    if (!page.next_cursor && !query.get('cursor')) return null;
    const to = (/** @type {string | null} */ cursor) => {
        const next = Object.fromEntries(query);
        delete next.cursor;
        return link('/campaigns', { ...next, cursor });
    };
    return h(
        'nav',
        { class: 'paging', 'aria-label': t('paging.label') },
        query.get('cursor') && h('a', { class: 'button', href: to(null) }, t('paging.first')),
        h('span', { class: 'small muted' }, plural('campaigns.shown', shown)),
        page.next_cursor && h('a', { class: 'button', href: to(page.next_cursor), rel: 'next' }, t('paging.next')),
    );
}

/** @param {URLSearchParams} query */
function nothingFound(query) {
    if (query.get('q') || query.get('state') || query.get('cursor')) {
        return empty({
            title: t('campaigns.none'),
            text: t('campaigns.noneText'),
            action: h('button', {
                class: 'button',
                type: 'button',
                on: { click: () => setQuery({ q: null, state: null, cursor: null }) },
            }, t('campaigns.clear')),
        });
    }
    return empty({
        title: t('campaigns.first'),
        text: t(isRetailer() ? 'campaigns.firstTextRetailer' : 'campaigns.firstText'),
        action: h(
            'a',
            { class: 'button', href: '/docs/management', target: '_blank', rel: 'noopener' },
            t('campaigns.docs'),
        ),
    });
}

/** Up and down the list, and into a campaign. @param {HTMLElement} root */
function rowKeys(root) {
    const move = (/** @type {number} */ step) => {
        const links = [...root.querySelectorAll('a.row-link')];
        const at = links.indexOf(/** @type {Element} */ (document.activeElement));
        const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
        if (next instanceof HTMLElement) next.focus();
    };
    return [
        { keys: 'j', label: t('keys.nextRow'), run: () => move(1) },
        { keys: 'k', label: t('keys.previousRow'), run: () => move(-1) },
    ];
}
