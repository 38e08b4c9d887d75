// Numbers, money, shares and dates as people read them.

import { language, locale, t } from './i18n.js';

const THIN = '\u202f';
const NONE = '—';

/** Dates without the Russian abbreviation of "year", which says nothing. @param {string} text */
const withoutYearMark = (text) => text.replace(/\s?г\./g, '');

/** The zone of accounting days; set once it is known. */
let zone = 'Europe/Moscow';
export const setZone = (/** @type {string} */ name) => {
    zone = name;
};

/** @param {Intl.NumberFormat} formatter @param {number} value */
function grouped(formatter, value) {
    return formatter.formatToParts(value).map((part) => (part.type === 'group' ? THIN : part.value)).join('')
        .replace('-', '−');
}

// Four digits are grouped too, so that columns line up.
const numbers = (options) =>
    new Intl.NumberFormat(language() === 'ru' ? 'ru-RU' : 'en-GB', { useGrouping: 'always', ...options });

/** @param {number | null | undefined} value */
export function count(value) {
    return value === null || value === undefined ? NONE : grouped(numbers({ maximumFractionDigits: 0 }), value);
}

/** Micro-roubles as `1 234 567,80 ₽`. @param {number | null | undefined} micros */
export function money(micros) {
    if (micros === null || micros === undefined) return NONE;
    const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return `${grouped(numbers(digits), micros / 1e6)}\u00a0₽`;
}

/** For axes: no kopecks, thousands short. @param {number} roubles */
export function shortMoney(roubles) {
    return grouped(numbers({ notation: 'compact', maximumFractionDigits: 1 }), roubles) + '\u00a0₽';
}

/** A share with one decimal. @param {number | string | null | undefined} ratio 0.01 is one per cent. */
export function share(ratio) {
    if (ratio === null || ratio === undefined) return NONE;
    const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    return `${grouped(numbers(digits), Number(ratio) * 100)}${language() === 'ru' ? '\u00a0' : ''}%`;
}

/** A plain factor with two decimals. @param {number | string | null | undefined} ratio */
export function factor(ratio) {
    if (ratio === null || ratio === undefined) return NONE;
    return grouped(numbers({ minimumFractionDigits: 2, maximumFractionDigits: 2 }), Number(ratio));
}

/** A change from before to now, `+12,3 %`; null when there is nothing to compare with. */
export function change(/** @type {number} */ now, /** @type {number} */ before) {
    if (!before) return null;
    const ratio = now / before - 1;
    if (Math.abs(ratio) > 9.99) return null;
    return `${ratio > 0 ? '+' : ''}${share(ratio)}`;
}

/** A value of a report by the unit of its metric. @param {any} value @param {string} unit @param {string} [name] */
export function metric(value, unit, name) {
    if (unit === 'money') return money(value);
    if (unit === 'ratio') return name === 'roas' ? factor(value) : share(value);
    return count(value);
}

/** @param {string} day `2026-11-22` */
const asDate = (day) => new Date(`${day}T00:00:00Z`);

/** `22 нояб.` @param {string} day */
export function shortDay(day) {
    return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(asDate(day));
}

/** `22 ноября 2026 г.` @param {string} day */
export function longDay(day) {
    return withoutYearMark(
        new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
            .format(asDate(day)),
    );
}

/** @param {string} from @param {string} to */
export function range(from, to) {
    if (from === to) return longDay(from);
    const formatter = new Intl.DateTimeFormat(locale(), {
        day: 'numeric',
        month: 'short',
        year: 'numeric',
        timeZone: 'UTC',
    });
    return withoutYearMark(formatter.formatRange(asDate(from), asDate(to)));
}

/** @param {string | null} instant RFC 3339. */
export function moment(instant) {
    if (!instant) return NONE;
    return new Intl.DateTimeFormat(locale(), {
        day: 'numeric',
        month: 'short',
        hour: '2-digit',
        minute: '2-digit',
        timeZone: zone,
    })
        .format(new Date(instant));
}

/** @param {string | null} instant */
export function dayOf(instant) {
    if (!instant) return NONE;
    return withoutYearMark(
        new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', year: 'numeric', timeZone: zone }).format(
            new Date(instant),
        ),
    );
}

/** The days of a half-open flight, both included. @param {string} from @param {string} to */
export function flightDays(from, to) {
    const formatter = new Intl.DateTimeFormat(locale(), {
        day: 'numeric',
        month: 'short',
        year: 'numeric',
        timeZone: zone,
    });
    return withoutYearMark(formatter.formatRange(new Date(from), new Date(Date.parse(to) - 1)));
}

/** `07:21` today, else with the day. @param {string} instant */
export function clock(instant) {
    return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: zone })
        .format(new Date(instant));
}

/** How long ago, in the largest unit that fits. @param {string} instant */
export function ago(instant) {
    const seconds = (Date.now() - new Date(instant).getTime()) / 1000;
    const formatter = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
    if (seconds < 60) return t('time.justNow');
    if (seconds < 3600) return formatter.format(-Math.floor(seconds / 60), 'minute');
    if (seconds < 86400) return formatter.format(-Math.floor(seconds / 3600), 'hour');
    return formatter.format(-Math.floor(seconds / 86400), 'day');
}

/** A day so many days later. @param {string} day @param {number} days */
export function plusDays(day, days) {
    const date = asDate(day);
    date.setUTCDate(date.getUTCDate() + days);
    return date.toISOString().slice(0, 10);
}

/** Days from one to another, both included. */
export function daysBetween(/** @type {string} */ from, /** @type {string} */ to) {
    return Math.round((asDate(to).getTime() - asDate(from).getTime()) / 86400000) + 1;
}
