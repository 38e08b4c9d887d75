// Dialogs: a question before something that matters, a form, a page of help. Escape closes, focus comes back.

import { fill, h, uid } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { clearProblems, showRefusal } from './field.js';

/**
 * @param {{title: string, body: import('../core/dom.js').Child, confirm?: string, danger?: boolean, wide?: boolean,
 *   submit?: (form: HTMLFormElement) => Promise<void | false>}} given
 *   `submit` does it; what it throws is shown in the dialog, which stays open; so it does on `false`.
 */
export function dialog({ title, body, confirm, danger, wide, submit }) {
    const heading = uid('dialog');
    const before = document.activeElement;
    const yes = confirm && h('button', { class: danger ? 'button danger' : 'button primary', type: 'submit' }, confirm);
    const form = /** @type {HTMLFormElement} */ (h(
        'form',
        { method: 'dialog', novalidate: true },
        h('h2', { id: heading }, title),
        h('div', { class: 'dialog-body' }, body),
        h('div', { class: 'form-problem', role: 'alert' }),
        h(
            'div',
            { class: 'dialog-actions' },
            h(
                'button',
                { class: 'button', type: 'button', on: { click: () => box.close() } },
                yes ? t('action.cancel') : t('action.close'),
            ),
            yes,
        ),
    ));
    const box = /** @type {HTMLDialogElement} */ (h('dialog', {
        class: wide ? 'dialog wide' : 'dialog',
        'aria-labelledby': heading,
    }, form));
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        if (!submit || !yes) return box.close();
        clearProblems(form);
        /** @type {HTMLButtonElement} */ (yes).disabled = true;
        try {
            if (await submit(form) !== false) box.close();
        } catch (error) {
            showRefusal(form, error);
        } finally {
            /** @type {HTMLButtonElement} */ (yes).disabled = false;
        }
    });
    // Enter makes a new line in a text; with Ctrl it sends.
    form.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    box.addEventListener('close', () => {
        box.remove();
        if (before instanceof HTMLElement && before.isConnected) before.focus();
    });
    box.addEventListener('click', (event) => {
        if (event.target === box) box.close();
    });
    document.body.append(box);
    box.showModal();
    const first = form.querySelector('.input') || yes;
    if (first instanceof HTMLElement) first.focus();
    return box;
}

/** What the keyboard can do here. @param {{page: any[], global: any[]}} shortcuts */
export function shortcutHelp(shortcuts) {
    const list = (/** @type {any[]} */ keys) =>
        h(
            'dl',
            { class: 'shortcuts' },
            keys.map((one) => [
                h('dt', null, one.keys.split(' ').map((/** @type {string} */ key) => h('kbd', null, key))),
                h('dd', null, one.label),
            ]),
        );
    const body = h('div', null);
    fill(
        body,
        shortcuts.page.length > 0 && [h('h3', null, t('keys.page')), list(shortcuts.page)],
        h('h3', null, t('keys.everywhere')),
        list(shortcuts.global),
    );
    dialog({ title: t('keys.title'), body });
}
