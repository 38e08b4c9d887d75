// The name of a number with its definition: shown on pointing and on focus, read out as its description.

import { h, uid } from '../core/dom.js';
import { pick, t } from '../core/i18n.js';
import { metricOf } from '../core/session.js';
import { change, metric } from '../core/format.js';

/** The name of a metric. @param {string} name as in reports */
export function metricTitle(name) {
    const known = metricOf(name);
    return known ? pick(known.title) : name;
}

/**
 * A word with an explanation.
 * @param {string} word
 * @param {string} text
 */
export function explained(word, text) {
    const id = uid('tip');
    return h(
        'span',
        { class: 'explained' },
        h('button', { class: 'explained-word', type: 'button', 'aria-describedby': id }, word),
        h('span', { class: 'tip', role: 'tooltip', id }, text),
    );
}

/** @param {string} name */
export function metricLabel(name) {
    const known = metricOf(name);
    return known ? explained(pick(known.title), pick(known.definition)) : name;
}

/**
 * One number, large, with what it was before.
 * @param {string} name @param {any} totals @param {any} before totals of the period before, or null @param {string} beforeLabel
 * @param {boolean} compares whether a percentage means something
 */
export function tile(name, totals, before, beforeLabel, compares) {
    const unit = metricOf(name)?.unit || 'count';
    const value = totals?.[name] ?? null;
    const old = before?.[name] ?? null;
    const delta = compares && old !== null && value !== null && unit !== 'ratio'
        ? change(Number(value), Number(old))
        : null;
    return h(
        'div',
        { class: 'tile', data: { metric: name } },
        h('div', { class: 'tile-label' }, metricLabel(name)),
        h('div', { class: 'tile-value number' }, metric(value, unit, name)),
        h(
            'div',
            { class: 'tile-before small muted number' },
            old === null
                ? null
                : [beforeLabel, ' ', metric(old, unit, name), delta && h('span', { class: 'delta' }, ` ${delta}`)],
        ),
    );
}

/** Tiles side by side. @param {string} label @param {HTMLElement[]} list */
export const tiles = (label, list) =>
    h('section', { class: 'tiles', 'aria-label': label, data: { count: list.length } }, list);

/** A report's period, and how sure its numbers are. @param {any} report @param {string} period @param {(instant: string) => string} clock @param {string} [compared] */
export function freshness(report, period, clock, compared) {
    return h(
        'p',
        { class: 'freshness small muted', data: { role: 'freshness' } },
        period,
        ' · ',
        report.data_through ? t('report.through', { time: clock(report.data_through) }) : t('report.nothingYet'),
        ' · ',
        explained(
            report.final ? t('report.final') : t('report.notFinal'),
            report.final ? t('report.finalWhy') : t('report.notFinalWhy'),
        ),
        compared && [' · ', compared],
    );
}
