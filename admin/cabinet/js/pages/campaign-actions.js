// What can be done with a campaign in its state; each action says what it will do, and can be undone where possible.

import { h } from '../core/dom.js';
import { has, t } from '../core/i18n.js';
import { api, Problem, segment } from '../core/api.js';
import { dialog } from '../components/dialog.js';
import { toast } from '../components/toast.js';
import { wording } from '../components/field.js';

/** Actions by state, the usual one first. */
const BY_STATE = {
    draft: ['submit', 'archive'],
    rejected: ['submit', 'withdraw', 'archive'],
    moderation: ['withdraw'],
    approved: ['pause', 'withdraw'],
    active: ['pause', 'finish'],
    paused: ['resume', 'finish'],
    finished: ['archive'],
    archived: [],
};
/** What takes an action back. */
const UNDO = { pause: 'resume', resume: 'pause', submit: 'withdraw' };
const FINAL = ['finish', 'archive'];
const KEYS = { pause: 'p', resume: 'p', submit: 's' };

/** @param {any} campaign */
function actionsOf(campaign) {
    if (campaign.state === 'approved' && campaign.held) return ['resume', 'withdraw'];
    return BY_STATE[campaign.state] || [];
}

/** @param {any} campaign @param {() => void} reload */
export function campaignActions(campaign, reload) {
    const perform = async (/** @type {string} */ action, /** @type {boolean} */ isUndo = false) => {
        const { data } = await api.post(`/v1/campaigns/${segment(campaign.id)}/${action}`, {});
        const back = UNDO[action];
        toast(t(`campaign.did.${action}`), {
            action: back && !isUndo && actionsOf(data).includes(back)
                ? {
                    label: t('action.undo'),
                    run: () => {
                        perform(back, true).catch(tell);
                    },
                }
                : undefined,
        });
        reload();
    };
    const start = (/** @type {string} */ action) => {
        if (!FINAL.includes(action)) return perform(action).catch(tell);
        return dialog({
            title: t(`campaign.ask.${action}`, { name: campaign.name }),
            body: h('p', null, t(`campaign.askText.${action}`)),
            confirm: t(`campaign.do.${action}`),
            danger: true,
            submit: () => perform(action),
        });
    };
    const actions = actionsOf(campaign);
    return {
        buttons: actions.map((/** @type {string} */ action, /** @type {number} */ index) =>
            h('button', {
                class: index === 0 && ['submit', 'resume'].includes(action)
                    ? 'button primary'
                    : FINAL.includes(action)
                    ? 'button plain'
                    : 'button',
                type: 'button',
                data: { action },
                on: { click: () => start(action) },
            }, t(`campaign.do.${action}`))
        ),
        shortcuts: actions.filter((action) => action in KEYS).map((/** @type {string} */ action) => ({
            keys: KEYS[action],
            label: t(`campaign.do.${action}`),
            run: () => {
                start(action);
            },
        })),
    };
}

/** Everything that stands in the way, with its field. @param {unknown} error */
function tell(error) {
    if (!(error instanceof Problem)) throw error;
    if (!error.errors.length) {
        toast(error.sentence, { tone: 'bad' });
        return;
    }
    dialog({
        title: t('campaign.incomplete'),
        body: h(
            'ul',
            { class: 'problems' },
            error.errors.map((one) =>
                h(
                    'li',
                    null,
                    h('strong', null, has(`fieldName.${one.field}`) ? t(`fieldName.${one.field}`) : one.field),
                    ': ',
                    has(`problem.of.${one.field}.${one.code}`)
                        ? t(`problem.of.${one.field}.${one.code}`)
                        : wording(one.code, one.detail),
                )
            ),
        ),
    });
}
