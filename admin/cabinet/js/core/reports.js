// Performance reports: asked for one advertiser at a time, put together where a page shows several.

import { api } from './api.js';

/** Counts that add up over campaigns and advertisers. */
const ADDITIVE = [
    'impressions',
    'viewable',
    'clicks',
    'spend_micros',
    'direct_sales_micros',
    'halo_sales_micros',
    'basket_sales_micros',
    'sales_micros',
    'returned_micros',
    'net_sales_micros',
];
/** Reports asked for at a time. */
const AT_ONCE = 4;

/** A row of a campaign that has delivered nothing. */
export const nothing = () => ({
    ...Object.fromEntries(ADDITIVE.map((name) => [name, 0])),
    ctr: null,
    cost_share: null,
    roas: null,
});

/** Several rows as one; ratios are computed from the sums. @param {any[]} rows */
export function sum(rows) {
    const total = /** @type {any} */ (nothing());
    for (const row of rows) for (const name of ADDITIVE) total[name] += row[name] ?? 0;
    total.ctr = total.impressions ? total.clicks / total.impressions : null;
    total.cost_share = total.net_sales_micros > 0 ? total.spend_micros / total.net_sales_micros : null;
    total.roas = total.spend_micros > 0 ? total.net_sales_micros / total.spend_micros : null;
    return total;
}

/** @param {Record<string, any>} params @param {AbortSignal} signal */
export const performance = (params, signal) => api.get('/v1/reports/performance', params, signal);

/**
 * The rows by campaign of several advertisers.
 * @param {string[]} advertisers @param {{from: string, to: string}} period @param {AbortSignal} signal
 */
export async function byCampaign(advertisers, period, signal) {
    /** @type {Map<string, any>} */
    const rows = new Map();
    /** @type {string | null} */
    let through = null;
    let final = true;
    const waiting = [...new Set(advertisers)];
    const work = async () => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
            const report = await performance({
                advertiser: one,
                from: period.from,
                to: period.to,
                by: 'campaign',
                limit: 5000,
            }, signal);
            for (const row of report.rows) rows.set(row.campaign, row);
            final &&= report.final;
            // The whole is as old as its oldest part.
            if (report.data_through && (!through || report.data_through < through)) through = report.data_through;
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { rows, data_through: through, final };
}
