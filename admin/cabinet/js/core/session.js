// Who is signed in, what he may do, and which advertiser he is looking at.

import { api, Problem, setPageToken } from './api.js';
import { language, setLanguage } from './i18n.js';
import { setZone } from './format.js';
import { recall } from './store.js';

/**
 * @typedef {object} Session
 * @property {'retailer' | 'advertiser'} side
 * @property {{id: string, email: string, name: string, language: 'ru' | 'en'} | null} user
 * @property {string[]} roles
 * @property {{id: string, name: string, role: string}[]} advertisers
 */

/** @type {Session | null} */
let session = null;
/** @type {{today: string, zone: string, metrics: Map<string, any>, at: number} | null} */
let registry = null;

export const currentSession = () => session;

/** @param {any} answer */
function accept(answer) {
    session = answer;
    setPageToken(answer.csrf_token);
    // The choice made in this browser wins; a new browser begins with the user's own.
    if (!recall('language') && answer.user) setLanguage(answer.user.language);
}

/** Finds out who is signed in; null when nobody is. */
export async function loadSession() {
    try {
        accept(await api.get('/v1/session'));
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        forget();
    }
    return session;
}

/** @param {string} email @param {string} password */
export async function signIn(email, password) {
    const { data } = await api.post('/v1/session', { email, password }, { anonymous: true });
    accept(data);
    // A language chosen on the sign-in page is the user's from now on.
    if (data.user && data.user.language !== language()) keepLanguage();
}

export async function signOut() {
    try {
        await api.remove('/v1/session');
    } finally {
        forget();
    }
}

export function forget() {
    session = null;
    registry = null;
    setPageToken(null);
}

/** Tells the server the language, for mails; not worth an error. */
export function keepLanguage() {
    if (session?.user) api.patch('/v1/session', { language: language() }).then(({ data }) => accept(data), () => {});
}

export const isRetailer = () => session?.side === 'retailer';
/** @param {...string} roles */
const hasRole = (...roles) => roles.some((role) => session?.roles.includes(role));

/** Whether campaigns of an advertiser may be changed. @param {string} advertiser */
export function mayRun(advertiser) {
    return hasRole('admin', 'adops') ||
        Boolean(session?.advertisers.some((one) => one.id === advertiser && one.role === 'advertiser_manager'));
}

export const mayModerate = () => hasRole('admin', 'adops');
export const seesModeration = () => hasRole('admin', 'adops', 'finance', 'analyst');

/** The only advertiser of the session; null when there are several. */
export function onlyAdvertiser() {
    return !isRetailer() && session?.advertisers.length === 1 ? session.advertisers[0].id : null;
}

/** What metrics mean, and which day it is in the accounts; asked again after a few minutes. */
export async function loadRegistry() {
    if (registry && Date.now() - registry.at < 5 * 60000) return registry;
    const answer = await api.get('/v1/reports/metrics');
    setZone(answer.accounting_zone);
    registry = {
        today: answer.today,
        zone: answer.accounting_zone,
        metrics: new Map(answer.metrics.map((/** @type {any} */ one) => [one.name, one])),
        at: Date.now(),
    };
    return registry;
}

/** The definition of a metric; known once a page with numbers has loaded. @param {string} name */
export const metricOf = (name) => registry?.metrics.get(name) ?? null;

/** @type {Map<string, string>} */
const names = new Map();

/** Names of advertisers by id; those that are not known yet are asked for once. @param {string[]} ids @param {AbortSignal} [signal] */
export async function advertiserNames(ids, signal) {
    for (const one of session?.advertisers || []) names.set(one.id, one.name);
    const missing = [...new Set(ids)].filter((id) => !names.has(id));
    if (missing.length > 3) {
        const page = await api.get('/v1/advertisers', { limit: 500 }, signal);
        for (const one of page.items) names.set(one.id, one.name);
    }
    await Promise.all(
        missing.filter((id) => !names.has(id)).map(async (id) => {
            try {
                names.set(id, (await api.get(`/v1/advertisers/${encodeURIComponent(id)}`, {}, signal)).name);
            } catch (error) {
                if (!(error instanceof Problem)) throw error;
                names.set(id, id);
            }
        }),
    );
    return names;
}

/**
 * What waits for moderation, without the creatives that are decided together with their campaign.
 * @param {any[]} items
 */
export function decisions(items) {
    const campaigns = new Set(items.filter((one) => one.kind === 'campaign').map((one) => one.campaign));
    return items.filter((one) => one.kind === 'campaign' || !campaigns.has(one.campaign));
}
