// Short messages about what has just been done, with a way back where there is one.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';

const SHOWN = 7000;
/** @type {HTMLElement | null} */
let place = null;

/** @param {string} text @param {{tone?: 'good' | 'bad', action?: {label: string, run: () => void}}} [options] */
export function toast(text, options = {}) {
    if (!place || !place.isConnected) {
        place = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
        document.body.append(place);
    }
    const note = h('div', { class: 'toast', data: { tone: options.tone || 'good' } }, h('span', null, text));
    const leave = () => note.remove();
    let timer = setTimeout(leave, SHOWN);
    // Who reads or reaches for the button is not hurried.
    for (const event of ['pointerenter', 'focusin']) note.addEventListener(event, () => clearTimeout(timer));
    for (const event of ['pointerleave', 'focusout']) {
        note.addEventListener(event, () => {
            timer = setTimeout(leave, SHOWN);
        });
    }
    const { action } = options;
    if (action) {
        note.append(h('button', {
            class: 'button plain',
            type: 'button',
            on: {
                click: () => {
                    leave();
                    action.run();
                },
            },
        }, action.label));
    }
    note.append(
        h(
            'button',
            { class: 'toast-close', type: 'button', 'aria-label': t('action.close'), on: { click: leave } },
            '×',
        ),
    );
    place.append(note);
    while (place.childElementCount > 3) place.firstElementChild?.remove();
}
