// Accepting an invitation: a new person chooses name and password, one with an account gives the password of it.

import { fill, h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { go, link } from '../core/router.js';
import { api, isAborted, Problem } from '../core/api.js';
import { moment } from '../core/format.js';
import { failure, loading } from '../components/states.js';
import { field, showProblem, value } from '../components/field.js';
import { doorForm, linkToken, newPassword, newPasswordFields } from './password.js';

/** @type {import('../core/router.js').Route['page']} */
export async function invitationPage({ root, signal }) {
    const token = linkToken();
    const useless = () =>
        fill(
            root,
            h(
                'div',
                { class: 'card' },
                h('h1', null, t('link.bad')),
                h('p', null, t('invitation.badText')),
                h('p', null, h('a', { class: 'button', href: link('/sign-in') }, t('signIn.toSignIn'))),
            ),
        );
    if (!token) return useless();
    fill(root, loading(3));
    let offer;
    try {
        offer = (await api.post('/v1/invitations/preview', { token }, { anonymous: true })).data;
    } catch (error) {
        if (signal.aborted || isAborted(error)) return;
        if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) {
            return useless();
        }
        fill(
            root,
            failure(error, () => {
                invitationPage({ root, signal, params: {}, query: new URLSearchParams() });
            }),
        );
        return;
    }
    if (signal.aborted) return;
    const known = offer.has_account;
    fill(
        root,
        doorForm({
            title: t('invitation.title', { whom: offer.advertiser_name || t('nav.side.retailer') }),
            intro: [
                h('p', null, t('invitation.role', { role: t(`role.${offer.role}`), email: offer.email })),
                h('p', { class: 'small muted' }, t('invitation.until', { time: moment(offer.expires_at) })),
            ],
            action: t('invitation.action'),
            fields: known
                ? [
                    field({
                        name: 'password',
                        label: t('invitation.password'),
                        type: 'password',
                        autocomplete: 'current-password',
                        maxlength: 512,
                    }),
                ]
                : [
                    field({ name: 'name', label: t('invitation.name'), autocomplete: 'name', maxlength: 255 }),
                    ...newPasswordFields(),
                ],
            submit: async (form) => {
                if (!known && !value(form, 'name').trim()) return showProblem(form, 'name', t('invitation.needName'));
                const password = known ? value(form, 'password') : newPassword(form);
                if (password === null) return;
                await api.post(
                    '/v1/invitations/accept',
                    known ? { token, password } : { token, password, name: value(form, 'name').trim() },
                    { anonymous: true },
                );
                go('/sign-in?done=invitation', { replace: true });
            },
        }),
    );
}
