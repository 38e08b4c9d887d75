// Words in two languages. `t('a.b')` looks a text up; `{name}` in it is replaced.

import { ru } from '../i18n/ru.js';
import { en } from '../i18n/en.js';
import { recall, remember } from './store.js';

/** @typedef {'ru' | 'en'} Language */

const dictionaries = { ru, en };
/** @type {Language} */
let current = initial();

/** @returns {Language} */
function initial() {
    const known = recall('language');
    if (known === 'ru' || known === 'en') return known;
    return navigator.languages.some((name) => name.toLowerCase().startsWith('ru')) ? 'ru' : 'en';
}

export const language = () => current;

/** @param {Language} next */
export function setLanguage(next) {
    current = next;
    remember('language', next);
    document.documentElement.lang = next;
}

/** @param {string} key @param {Record<string, any>} [values] @returns {string} */
export function t(key, values) {
    const text = dictionaries[current][key] ?? key;
    return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text;
}

/** Whether there is a text of that key. @param {string} key */
export const has = (key) => key in dictionaries[current];

/** A text that depends on a number: `key.one`, `key.few`, `key.many`, `key.other`. @param {string} key @param {number} n */
export function plural(key, n, values = {}) {
    const form = new Intl.PluralRules(current).select(n);
    const all = { n: new Intl.NumberFormat(locale()).format(n), ...values };
    return t(has(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, all);
}

export const locale = () => (current === 'ru' ? 'ru-RU' : 'en-GB');

/** The text of this language out of `{ru, en}` of the API. @param {{ru: string, en: string}} text */
export const pick = (text) => text[current];
