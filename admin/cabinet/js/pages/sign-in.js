// Signing in, and back to where one came from.

import { fill, h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { go, link } from '../core/router.js';
import { signIn } from '../core/session.js';
import { Problem } from '../core/api.js';
import { clearProblems, field, showProblem, showRefusal, value } from '../components/field.js';

/** @type {import('../core/router.js').Route['page']} */
export function signInPage({ query, root }) {
    const next = query.get('next');
    const button = /** @type {HTMLButtonElement} */ (h(
        'button',
        { class: 'button primary wide', type: 'submit' },
        t('signIn.action'),
    ));
    const form = h(
        'form',
        { class: 'card', novalidate: true, data: { form: 'sign-in' } },
        h('h1', null, t('signIn.title')),
        next && h('p', { class: 'notice' }, t('signIn.back')),
        query.get('done') &&
            h(
                'p',
                { class: 'notice good', role: 'status' },
                t(`signIn.done.${query.get('done') === 'invitation' ? 'invitation' : 'password'}`),
            ),
        h('div', { class: 'form-problem', role: 'alert' }),
        field({
            name: 'email',
            label: t('signIn.email'),
            type: 'email',
            autocomplete: 'username',
            required: true,
            maxlength: 254,
        }),
        field({
            name: 'password',
            label: t('signIn.password'),
            type: 'password',
            autocomplete: 'current-password',
            required: true,
            maxlength: 512,
        }),
        button,
        h('p', { class: 'small' }, h('a', { href: link('/forgotten') }, t('signIn.forgotten'))),
    );
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        clearProblems(form);
        const email = value(form, 'email').trim();
        if (!email) return showProblem(form, 'email', t('signIn.needEmail'));
        if (!value(form, 'password')) return showProblem(form, 'password', t('signIn.needPassword'));
        button.disabled = true;
        try {
            await signIn(email, value(form, 'password'));
            // Only an address of ours: it stands in a link that anybody could have made.
            go(next && /^\/(?!\/)[\w\-./%?=&,:~]*$/.test(next) ? next : '/campaigns', { replace: true });
        } catch (error) {
            if (error instanceof Problem && error.status === 422) {
                showProblem(form, null, t('problem.invalid_credentials'));
            } else showRefusal(form, error);
            form.querySelector('input[name="password"]')?.setAttribute('aria-invalid', 'true');
        } finally {
            button.disabled = false;
        }
    });
    fill(root, form);
    const first = form.querySelector('input');
    if (first) first.focus();
}
