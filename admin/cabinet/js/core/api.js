// Talks to the management API: JSON in and out, the page token with every change, ETags, and problems as errors.

import { has, t } from './i18n.js';

/** Milliseconds after which a request is given up. */
const PATIENCE = 20000;

/**
 * @typedef {object} FieldProblem
 * @property {string} field
 * @property {string} code
 * @property {string} detail
 */

/** A refused or failed request. */
export class Problem extends Error {
    /** @param {{status: number, code: string, detail?: string, field?: string, errors?: FieldProblem[], request_id?: string}} given */
    constructor(given, retryAfter = 0) {
        super(given.detail || given.code);
        this.status = given.status;
        this.code = given.code;
        this.detail = given.detail || '';
        this.field = given.field || null;
        this.errors = given.errors || [];
        this.requestID = given.request_id || '';
        this.retryAfter = retryAfter;
    }

    /** The sentence for people: ours where we have one, else what the server said. */
    get sentence() {
        const key = `problem.${this.code}`;
        return has(key) ? t(key, { seconds: this.retryAfter || 1 }) : this.detail || t('problem.other');
    }
}

/** Whether a request was only given up because the page was left. @param {unknown} error */
export const isAborted = (error) => error instanceof DOMException && error.name === 'AbortError';

let pageToken = '';
/** @param {string | null} token `csrf_token` of the session. */
export const setPageToken = (token) => {
    pageToken = token || '';
};

/** @type {() => void} */
let onSignedOut = () => {};
/** Called when the session has ended. @param {() => void} listener */
export const whenSignedOut = (listener) => {
    onSignedOut = listener;
};

/** Joins a path and parameters; empty ones are left out. @param {string} path @param {Record<string, any>} [params] */
export function address(path, params) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params || {})) {
        if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
    }
    const text = query.toString();
    return text ? `${path}?${text}` : path;
}

/**
 * @param {string} method
 * @param {string} url
 * @param {{body?: any, etag?: string | null, signal?: AbortSignal, anonymous?: boolean}} [options]
 *   `anonymous`: an answer of 401 is about what was typed, not about the session.
 * @returns {Promise<{data: any, etag: string | null}>}
 */
async function request(method, url, options = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json' };
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    if (method !== 'GET' && pageToken) headers['X-CSRF-Token'] = pageToken;
    if (options.etag) headers['If-Match'] = options.etag;
    const patience = AbortSignal.timeout(PATIENCE);
    let response;
    let text;
    try {
        response = await fetch(url, {
            method,
            headers,
            credentials: 'same-origin',
            cache: 'no-store',
            body: options.body === undefined ? undefined : JSON.stringify(options.body),
            signal: options.signal ? anyOf([options.signal, patience]) : patience,
        });
        text = await response.text();
    } catch {
        if (options.signal?.aborted) throw new DOMException('left', 'AbortError');
        throw new Problem({ status: 0, code: patience.aborted ? 'timeout' : 'network' });
    }
    const data = text ? parse(text) : null;
    if (response.ok) return { data, etag: response.headers.get('etag') };
    const problem = new Problem(
        data && data.code ? data : { status: response.status, code: 'other' },
        Number(response.headers.get('retry-after')) || 0,
    );
    if (problem.status === 401 && !options.anonymous) onSignedOut();
    throw problem;
}

/** @param {string} text */
function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

/** `AbortSignal.any` is younger than some browsers. @param {AbortSignal[]} signals */
function anyOf(signals) {
    const controller = new AbortController();
    for (const signal of signals) {
        if (signal.aborted) controller.abort();
        else signal.addEventListener('abort', () => controller.abort(), { once: true });
    }
    return controller.signal;
}

export const api = {
    /** @param {string} path @param {Record<string, any>} [params] @param {AbortSignal} [signal] */
    get: async (path, params, signal) => (await request('GET', address(path, params), { signal })).data,
    /** The same with the ETag that a later change sends back. @param {string} path @param {AbortSignal} [signal] */
    read: (path, signal) => request('GET', path, { signal }),
    /** @param {string} path @param {any} [body] @param {{etag?: string | null, anonymous?: boolean}} [options] */
    post: (path, body = {}, options = {}) => request('POST', path, { body, ...options }),
    /** @param {string} path @param {any} body */
    patch: (path, body) => request('PATCH', path, { body }),
    /** @param {string} path */
    remove: (path) => request('DELETE', path),
};

/** One segment of a path. @param {string} text */
export const segment = (text) => encodeURIComponent(text);
