// "Why not here?": what became of a campaign's line items in one decision, named by its id.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { api, segment } from '../core/api.js';
import { present } from '../components/states.js';
import { table } from '../components/table.js';

/** Line items that are asked about at once. */
const MOST = 20;

/** @param {any[]} items @param {AbortSignal} signal */
export function whyNot(items, signal) {
    const answer = h('div', { class: 'why-answer', 'aria-live': 'polite' });
    const field = h('input', {
        name: 'decision',
        class: 'form-control',
        required: true,
        pattern: '[0-9a-fA-F]{32}',
        maxlength: 32,
        size: 34,
        spellcheck: 'false',
        autocomplete: 'off',
        title: t('why.idHint'),
        'aria-label': t('why.id'),
        placeholder: t('why.id'),
    });
    const form = h(
        'form',
        {
            class: 'why-form',
            onsubmit: (/** @type {Event} */ event) => {
                event.preventDefault();
                const id = /** @type {HTMLInputElement} */ (field).value.trim().toLowerCase();
                present(answer, signal, () => ask(id, items.slice(0, MOST), signal), { lines: 3 });
            },
        },
        field,
        h('button', { type: 'submit', class: 'btn btn-outline-secondary' }, t('why.ask')),
    );
    return h(
        'section',
        { class: 'block', data: { block: 'why' } },
        h('div', { class: 'block-head' }, h('h2', null, t('why.title'))),
        h('p', { class: 'small muted' }, t('why.text')),
        form,
        answer,
    );
}

/** @param {string} id @param {any[]} items @param {AbortSignal} signal */
async function ask(id, items, signal) {
    const answers = await Promise.all(
        items.map((line) => api.get(`/v1/decisions/${segment(id)}`, { line_item: line.id }, signal)),
    );
    const rows = answers.flatMap((one) =>
        one.line_items.flatMap((/** @type {any} */ line) =>
            line.slots.map((/** @type {any} */ slot, /** @type {number} */ index) => ({ line, slot, index }))
        )
    );
    if (!rows.length) return h('p', { class: 'muted' }, t('why.none'));
    return table({
        caption: t('why.title'),
        rows,
        key: (row) => `${row.line.line_item} ${row.index}`,
        columns: [
            { name: 'line', label: t('lineItems.name'), title: t('lineItems.name'), cell: (row) => row.line.name },
            { name: 'placement', label: t('why.place'), title: t('why.place'), cell: (row) => row.slot.placement },
            {
                name: 'outcome',
                label: t('why.outcome'),
                title: t('why.outcome'),
                cell: (row) => [
                    t(`why.of.${row.slot.outcome}`),
                    row.slot.reconstructed && h('div', { class: 'small muted' }, t('why.reconstructed')),
                ],
            },
        ],
    });
}
