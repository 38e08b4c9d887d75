// One thing to decide: what the checks say, how it looks, what changed, and the two buttons.

import { h } from '../core/dom.js';
import { has, language, t } from '../core/i18n.js';
import { api, Problem, segment } from '../core/api.js';
import { link } from '../core/router.js';
import { chip } from '../components/chip.js';
import { dialog } from '../components/dialog.js';
import { field, showProblem, value } from '../components/field.js';
import { preview } from '../components/preview.js';
import { toast } from '../components/toast.js';
import { creativeName, formatName } from './campaign-parts.js';

/**
 * @param {string} id `campaign.<id>` or `creative.<id>`
 * @param {Map<string, string>} names of advertisers
 * @param {{decided: () => void, again: () => void, signal: AbortSignal, mayDecide: boolean}} given
 *   `again` shows the item anew, after somebody else changed it.
 */
export async function moderationItem(id, names, { decided, again, signal, mayDecide }) {
    const { data: item, etag } = await api.read(`/v1/moderation/${segment(id)}`, signal);
    const creatives = item.kind === 'campaign' ? item.creatives : [item.creative];
    item.name ||= creativeName(item.creative);
    const kktu = item.kktu ? await kktuPath(item.kktu, signal) : '';
    await Promise.all(
        [...new Set(creatives.map((/** @type {any} */ one) => one.format))].map((format) =>
            learnFields(format, signal)
        ),
    );
    const findings = item.kind === 'campaign'
        ? [...item.findings, ...item.creatives.flatMap((/** @type {any} */ one) => one.findings)]
        : item.findings;
    const decide = (/** @type {string} */ verdict, /** @type {any} */ body) =>
        api.post(`/v1/moderation/${segment(id)}/${verdict}`, body, { etag }).then(() => {
            toast(t(`moderation.did.${verdict}`, { name: item.name }));
            decided();
        }, (error) => {
            if (!(error instanceof Problem) || error.status !== 412) throw error;
            toast(t('moderation.changed'), { tone: 'bad' });
            again();
        });
    const approve = () => askApproval(item, findings, decide);
    const reject = () => askFeedback(item, decide);
    const blocked = findings.some((/** @type {any} */ one) => one.effect === 'block');
    const buttons = mayDecide &&
        h(
            'div',
            { class: 'actions' },
            h(
                'button',
                {
                    class: 'button primary',
                    type: 'button',
                    data: { action: 'approve' },
                    disabled: blocked,
                    on: { click: approve },
                },
                t('moderation.approve'),
                h('kbd', { 'aria-hidden': 'true' }, 'a'),
            ),
            h(
                'button',
                { class: 'button', type: 'button', data: { action: 'reject' }, on: { click: reject } },
                t('moderation.reject'),
                h('kbd', { 'aria-hidden': 'true' }, 'r'),
            ),
        );
    const content = [
        h(
            'div',
            { class: 'page-head' },
            h(
                'div',
                null,
                h('h2', null, item.name),
                h(
                    'p',
                    { class: 'facts small muted' },
                    h('span', null, t(`moderation.kind.${item.kind}`)),
                    h('span', null, names.get(item.advertiser) || item.advertiser),
                    h(
                        'a',
                        { href: link(`/campaigns/${encodeURIComponent(item.campaign)}`) },
                        t('moderation.toCampaign'),
                    ),
                ),
            ),
            buttons,
        ),
        h(
            'dl',
            { class: 'plain-list' },
            h('dt', null, t('moderation.kktu')),
            h(
                'dd',
                null,
                item.kktu
                    ? h('span', null, h('code', null, item.kktu), ' ', kktu)
                    : h('span', { class: 'bad' }, t('moderation.noKktu')),
            ),
        ),
        blocked && h('p', { class: 'notice bad', role: 'note' }, t('moderation.blocked')),
        findingList(item.findings),
        item.kind === 'creative' && item.changes.length > 0 && changes(item),
        creatives.length === 0 && h('p', { class: 'muted' }, t('moderation.noCreatives')),
        creatives.map((/** @type {any} */ creative) =>
            creativeToSee(creative, item.kind === 'campaign' ? creative.findings : [])
        ),
    ];
    const shortcuts = mayDecide
        ? [
            ...(blocked ? [] : [{ keys: 'a', label: t('moderation.approve'), run: approve }]),
            { keys: 'r', label: t('moderation.reject'), run: reject },
        ]
        : [];
    return { content, shortcuts };
}

/** The code's place in the classifier, from the widest name to its own. @param {string} code @param {AbortSignal} signal */
async function kktuPath(code, signal) {
    const parts = code.split('.');
    const codes = parts.map((_, index) => parts.slice(0, index + 1).join('.'));
    const known = await Promise.all(
        codes.map((one) => api.get(`/v1/kktu/${segment(one)}`, {}, signal).catch(() => null)),
    );
    return known.filter(Boolean).map((one) => one.name).join(' › ');
}

/** @param {any[]} findings */
function findingList(findings) {
    return findings.length > 0 &&
        h(
            'ul',
            { class: 'findings' },
            findings.map((one) => h('li', null, chip(one.effect, t(`effect.${one.effect}`)), ' ', findingText(one))),
        );
}

/** @param {any} finding */
const findingText = (
    finding,
) => [
    has(`finding.${finding.code}`) ? t(`finding.${finding.code}`) : finding.message,
    finding.field && h('span', { class: 'small muted' }, ` (${fieldName(finding.field)})`),
];

/** Titles of the fields of a format, in the language that formats are written in. @type {Map<string, Map<string, string>>} */
const titles = new Map();

/** @param {string} format @param {AbortSignal} signal */
async function learnFields(format, signal) {
    if (titles.has(format)) return;
    const known = await api.get(`/v1/formats/${segment(format)}`, {}, signal).catch(() => ({ fields: [] }));
    titles.set(format, new Map(known.fields.map((/** @type {any} */ one) => [`fields.${one.name}`, one.title])));
}

/** @param {string} name @param {string} [format] */
function fieldName(name, format) {
    if (has(`fieldName.${name}`)) return t(`fieldName.${name}`);
    return (language() === 'ru' && titles.get(format || '')?.get(name)) || name.replace(/^fields\./, '');
}

/** @param {any} creative @param {any[]} findings */
function creativeToSee(creative, findings) {
    const { newest } = creative;
    const fields = Object.entries(newest.fields).filter(([, text]) =>
        typeof text === 'string' || typeof text === 'number'
    );
    return h(
        'article',
        { class: 'creative wide', data: { id: creative.id } },
        preview(creative, newest.version),
        h(
            'div',
            { class: 'creative-body' },
            h(
                'div',
                { class: 'creative-head' },
                h('h3', null, creativeName(creative)),
                h(
                    'span',
                    { class: 'small muted' },
                    formatName(creative.format),
                    ' · ',
                    t('creative.version', { n: newest.version }),
                ),
            ),
            findingList(findings),
            h(
                'dl',
                { class: 'plain-list' },
                fields.map((
                    [name, text],
                ) => [h('dt', null, fieldName(`fields.${name}`, creative.format)), h('dd', null, String(text))]),
                h('dt', null, t('creative.landing')),
                h('dd', null, h('span', { class: 'address' }, newest.landing_url)),
            ),
        ),
    );
}

/** @param {any} item */
function changes(item) {
    const text = (
        /** @type {any} */ given,
    ) => (given === null || given === undefined ? '—' : typeof given === 'string' ? given : JSON.stringify(given));
    return h(
        'section',
        { class: 'changes' },
        h(
            'h3',
            null,
            item.compared_with ? t('moderation.changesSince', { n: item.compared_with }) : t('moderation.allNew'),
        ),
        h(
            'dl',
            { class: 'plain-list' },
            item.changes.map((
                /** @type {any} */ one,
            ) => [
                h('dt', null, fieldName(one.field, item.creative.format)),
                h(
                    'dd',
                    null,
                    item.compared_with && h('del', null, text(one.before)),
                    ' ',
                    h('ins', null, text(one.after)),
                ),
            ]),
        ),
    );
}

/** A warning is taken upon oneself by name, with a reason. @param {any} item @param {any[]} findings @param {(verdict: string, body: any) => Promise<void>} decide */
function askApproval(item, findings, decide) {
    const warnings = [
        ...new Map(findings.filter((one) => one.effect === 'warn').map((one) => [one.code, one])).values(),
    ];
    const n = item.kind === 'campaign' ? item.creatives.length : 1;
    dialog({
        title: t('moderation.askApprove', { name: item.name }),
        confirm: t('moderation.approve'),
        body: [
            h('p', null, t('moderation.askApproveText', { n })),
            warnings.map((one) =>
                h(
                    'div',
                    null,
                    h('p', null, chip('warn', t('effect.warn')), ' ', findingText(one)),
                    field({
                        name: `reason.${one.code}`,
                        label: t('moderation.overrideReason'),
                        rows: 2,
                        maxlength: 2000,
                    }),
                )
            ),
        ],
        submit: async (form) => {
            const overrides = warnings.map((one) => ({
                code: one.code,
                reason: value(form, `reason.${one.code}`).trim(),
            }));
            const silent = overrides.find((one) => !one.reason);
            if (silent) {
                showProblem(form, `reason.${silent.code}`, t('moderation.needReason'));
                return false;
            }
            await decide('approve', overrides.length ? { overrides } : {});
        },
    });
}

/** @param {any} item @param {(verdict: string, body: any) => Promise<void>} decide */
function askFeedback(item, decide) {
    dialog({
        title: t('moderation.askReject', { name: item.name }),
        confirm: t('moderation.reject'),
        danger: true,
        body: [
            h('p', null, t('moderation.askRejectText')),
            field({
                name: 'feedback',
                label: t('moderation.feedback'),
                rows: 4,
                maxlength: 2000,
                hint: t('moderation.feedbackHint'),
            }),
        ],
        submit: async (form) => {
            const feedback = value(form, 'feedback').trim();
            if (!/\p{L}/u.test(feedback)) {
                showProblem(form, 'feedback', t('moderation.needFeedback'));
                return false;
            }
            await decide('reject', { feedback });
        },
    });
}
