// A forgotten password: asking for a link, and choosing a new one by it.

import { fill, h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { go, link } from '../core/router.js';
import { api } from '../core/api.js';
import { clearProblems, field, showProblem, showRefusal, value } from '../components/field.js';

/** The secret of a link, which stands behind `#` and so never reaches a log. */
export const linkToken = () => new URLSearchParams(location.hash.slice(1)).get('token') || '';

/**
 * A form at the door.
 * @param {{title: string, intro?: import('../core/dom.js').Child, fields: Node[], action: string, submit: (form: HTMLElement) => Promise<void>}} given
 */
export function doorForm({ title, intro, fields, action, submit }) {
    const button =
        /** @type {HTMLButtonElement} */ (h('button', { class: 'button primary wide', type: 'submit' }, action));
    const form = h(
        'form',
        { class: 'card', novalidate: true },
        h('h1', null, title),
        intro,
        h('div', { class: 'form-problem', role: 'alert' }),
        fields,
        button,
        h('p', { class: 'small' }, h('a', { href: link('/sign-in') }, t('signIn.toSignIn'))),
    );
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        clearProblems(form);
        button.disabled = true;
        try {
            await submit(form);
        } catch (error) {
            showRefusal(form, error);
        } finally {
            button.disabled = false;
        }
    });
    return form;
}

/** Two equal new passwords; shows what is wrong. @param {HTMLElement} form @returns {string | null} */
export function newPassword(form) {
    const password = value(form, 'password');
    if (!password) showProblem(form, 'password', t('password.need'));
    else if (password !== value(form, 'again')) showProblem(form, 'again', t('password.differ'));
    else return password;
    return null;
}

export const newPasswordFields = () => [
    field({
        name: 'password',
        label: t('password.new'),
        type: 'password',
        autocomplete: 'new-password',
        hint: t('password.rule'),
        maxlength: 512,
    }),
    field({
        name: 'again',
        label: t('password.again'),
        type: 'password',
        autocomplete: 'new-password',
        maxlength: 512,
    }),
];

/** @type {import('../core/router.js').Route['page']} */
export function forgottenPage({ root }) {
    fill(
        root,
        doorForm({
            title: t('forgotten.title'),
            intro: h('p', { class: 'muted' }, t('forgotten.text')),
            action: t('forgotten.action'),
            fields: [
                field({
                    name: 'email',
                    label: t('signIn.email'),
                    type: 'email',
                    autocomplete: 'username',
                    maxlength: 254,
                }),
            ],
            submit: async (form) => {
                const email = value(form, 'email').trim();
                if (!email) return showProblem(form, 'email', t('signIn.needEmail'));
                await api.post('/v1/password-resets', { email });
                fill(
                    root,
                    h(
                        'div',
                        { class: 'card' },
                        h('h1', null, t('forgotten.sent')),
                        h('p', null, t('forgotten.sentText', { email })),
                        h('p', { class: 'small' }, h('a', { href: link('/sign-in') }, t('signIn.toSignIn'))),
                    ),
                );
            },
        }),
    );
}

/** @type {import('../core/router.js').Route['page']} */
export function passwordPage({ root }) {
    const token = linkToken();
    if (!token) {
        fill(
            root,
            h(
                'div',
                { class: 'card' },
                h('h1', null, t('link.bad')),
                h('p', null, t('link.badText')),
                h('p', null, h('a', { class: 'button', href: link('/forgotten') }, t('forgotten.title'))),
            ),
        );
        return;
    }
    fill(
        root,
        doorForm({
            title: t('password.title'),
            fields: newPasswordFields(),
            action: t('password.action'),
            submit: async (form) => {
                const password = newPassword(form);
                if (password === null) return;
                await api.post('/v1/password-resets/complete', { token, password }, { anonymous: true });
                go('/sign-in?done=password', { replace: true });
            },
        }),
    );
}
