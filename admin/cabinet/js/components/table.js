// A table of records: numbers at the right in even figures, a heading for every row, and on a phone one block per row.

import { h } from '../core/dom.js';

/**
 * @typedef {object} Column
 * @property {string} name also the class of its cells
 * @property {import('../core/dom.js').Child} label
 * @property {string} title the label as plain text, for phones
 * @property {boolean} [number]
 * @property {(row: any) => import('../core/dom.js').Child} cell
 */

/**
 * @param {{caption: string, columns: Column[], rows: any[], totals?: any, key?: (row: any) => string, stacked?: boolean}} given
 *   The first column is the heading of its row. `totals` is one more row at the end. `stacked`: blocks on a phone;
 *   without it the table scrolls sideways in its own frame.
 */
export function table({ caption, columns, rows, totals, key, stacked = true }) {
    const head = h(
        'thead',
        null,
        h(
            'tr',
            null,
            columns.map((column) =>
                h(
                    'th',
                    { scope: 'col', class: column.number ? 'number' : null, data: { column: column.name } },
                    column.label,
                )
            ),
        ),
    );
    const line = (/** @type {any} */ row, /** @type {string | null} */ id) =>
        h(
            'tr',
            { data: { id } },
            columns.map((column, index) =>
                h(index === 0 ? 'th' : 'td', {
                    scope: index === 0 ? 'row' : null,
                    class: column.number ? 'number' : null,
                    data: { label: column.title, column: column.name },
                }, h('div', { class: 'cell' }, column.cell(row)))
            ),
        );
    return h(
        'div',
        {
            class: 'table-frame',
            tabindex: stacked ? null : '0',
            role: stacked ? null : 'region',
            'aria-label': stacked ? null : caption,
        },
        h(
            'table',
            { class: stacked ? 'table stacked' : 'table' },
            h('caption', { class: 'hidden' }, caption),
            head,
            h('tbody', null, rows.map((row) => line(row, key ? key(row) : null))),
            totals && h('tfoot', null, line(totals, null)),
        ),
    );
}

/** A share of something used up, with its numbers in words. @param {number} part @param {number} whole @param {string} label */
export function progress(part, whole, label) {
    const percent = whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0;
    const fillBar = h('span', { class: 'bar-fill' });
    fillBar.style.width = `${percent}%`;
    return h('span', {
        class: 'bar',
        role: 'progressbar',
        'aria-valuemin': '0',
        'aria-valuemax': '100',
        'aria-valuenow': percent.toFixed(0),
        'aria-label': label,
        data: { full: percent >= 99.5 ? 'yes' : null },
    }, fillBar);
}
