// Light, dark, or as the system says.

import { recall, remember } from './store.js';

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
export function theme() {
    const known = recall('theme');
    return known === 'light' || known === 'dark' ? known : 'system';
}

/** @param {Theme} next */
export function setTheme(next) {
    remember('theme', next === 'system' ? null : next);
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    dispatchEvent(new Event('nimb-theme'));
}

/** A colour in force, as the canvas understands it. @param {string} name for example `--accent` */
export function colour(name) {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
}

/** Calls when the colours change. @param {() => void} listener @param {AbortSignal} signal */
export function whenThemeChanges(listener, signal) {
    addEventListener('nimb-theme', listener, { signal });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener, { signal });
}
