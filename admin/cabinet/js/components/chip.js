// The state of a thing as a word with a dot of its colour; the word alone says everything.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';

const TONES = {
    active: 'good',
    approved: 'good',
    servable: 'good',
    moderation: 'wait',
    awaiting_erid: 'wait',
    rejected: 'bad',
    revoked: 'bad',
    block: 'bad',
    warn: 'wait',
    paused: 'off',
    draft: 'off',
    finished: 'off',
    archived: 'off',
    held: 'off',
};

/** @param {string} state @param {string} [label] */
export function chip(state, label) {
    return h('span', { class: 'chip', data: { tone: TONES[state] || 'off', state } }, label || t(`state.of.${state}`));
}

/** A campaign's state. @param {{state: string, held: boolean}} campaign */
export const campaignChip = (
    campaign,
) => (campaign.state === 'approved' && campaign.held ? chip('held') : chip(campaign.state));

/** A creative's state, where "approved" tells whether it has its token. @param {any} creative */
export function creativeChip(creative) {
    const { newest } = creative;
    if (creative.paused) return chip('paused');
    if (newest.state === 'approved') return newest.servable ? chip('servable') : chip('awaiting_erid');
    return chip(newest.state);
}
