// The period of a page's numbers, kept in its address: today, yesterday, the last 7 or 30 days.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { plusDays, range } from '../core/format.js';
import { setQuery } from '../core/router.js';

/** Days of each period, and how many days before today it ends. */
const PERIODS = { today: [1, 0], yesterday: [1, 1], '7d': [7, 0], '30d': [30, 0], '90d': [90, 0] };

/**
 * @typedef {object} Period
 * @property {string} name
 * @property {string} from
 * @property {string} to
 * @property {string} beforeFrom first day of the period of equal length before
 * @property {string} beforeTo
 * @property {number} days
 * @property {boolean} running whether its last day goes on
 */

/** @param {URLSearchParams} query @param {string} today @param {string} fallback @returns {Period} */
export function period(query, today, fallback) {
    const asked = query.get('period') || fallback;
    const name = asked in PERIODS ? asked : fallback;
    const [days, back] = PERIODS[name];
    const to = plusDays(today, -back);
    const from = plusDays(to, 1 - days);
    return {
        name,
        from,
        to,
        days,
        running: back === 0,
        beforeFrom: plusDays(from, -days),
        beforeTo: plusDays(from, -1),
    };
}

/** `22 ноября` in words, with the name of the period. @param {Period} chosen */
export const periodText = (chosen) => `${t(`period.${chosen.name}`)}, ${range(chosen.from, chosen.to)}`;

/** With which days the small numbers are from. @param {Period} chosen */
export const comparedText = (chosen) => t('period.compared', { range: range(chosen.beforeFrom, chosen.beforeTo) });

/** What the period before is called. @param {Period} chosen */
export const beforeText = (
    chosen,
) => (chosen.days === 1 ? t(chosen.running ? 'period.before.today' : 'period.before.day') : t('period.before.days'));

/** @param {Period} chosen @param {string[]} names @param {string} fallback */
export function periodPicker(chosen, names, fallback) {
    return h(
        'div',
        { class: 'segments', role: 'group', 'aria-label': t('period.label') },
        names.map((name) =>
            h('button', {
                type: 'button',
                class: 'segment',
                'aria-pressed': String(name === chosen.name),
                data: { period: name },
                on: { click: () => setQuery({ period: name === fallback ? null : name }, { replace: true }) },
            }, t(`period.${name}`))
        ),
    );
}
