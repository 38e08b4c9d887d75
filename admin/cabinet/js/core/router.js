// Addresses of the application: which page stands under which, links without reloading, state in the query.

/**
 * @typedef {object} Visit
 * @property {Record<string, string>} params parts of the path
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal ends when the page is left
 * @property {HTMLElement} root where the page builds itself
 */

/**
 * @typedef {object} Route
 * @property {string} path `/campaigns/:id`
 * @property {(visit: Visit) => void | Promise<void>} page
 * @property {boolean} [open] for people who are not signed in
 */

const BASE = '/admin';
/** @type {AbortController | null} */
let visit = null;
/** @type {(route: Route | null, params: Record<string, string>, signal: AbortSignal, isNewPage: boolean) => void} */
let show = () => {};
/** @type {Route[]} */
let routes = [];
let shownPath = '';

/** @param {Route[]} table @param {typeof show} render */
export function startRouter(table, render) {
    routes = table;
    show = render;
    addEventListener('popstate', () => open());
    document.addEventListener('click', (event) => {
        if (
            event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey ||
            event.altKey
        ) return;
        const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
        if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
        const url = new URL(link.href);
        if (url.origin !== location.origin || !url.pathname.startsWith(BASE + '/') || link.hash) return;
        event.preventDefault();
        go(url.pathname.slice(BASE.length) + url.search);
    });
    open();
}

/** The path and query of the application, without its base. */
export const here = () => location.pathname.slice(BASE.length) + location.search;

/** The address of a page; empty parameters are left out. @param {string} path @param {Record<string, any>} [params] */
export function link(path, params) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params || {})) if (value) query.set(name, String(value));
    const text = query.toString();
    return BASE + path + (text ? `?${text}` : '');
}

/** @param {string} to path and query without the base @param {{replace?: boolean}} [options] */
export function go(to, options = {}) {
    history[options.replace ? 'replaceState' : 'pushState'](null, '', BASE + to);
    open();
}

/** Changes parameters of this page's address; null removes one. @param {Record<string, string | null>} changes */
export function setQuery(changes, options = { replace: false }) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
        if (value) query.set(name, value);
        else query.delete(name);
    }
    const text = query.toString();
    go(location.pathname.slice(BASE.length) + (text ? `?${text}` : ''), options);
}

/** Shows the page of the address again. */
export function open() {
    visit?.abort();
    visit = new AbortController();
    const path = location.pathname.slice(BASE.length).replace(/\/+$/, '') || '/';
    const isNewPage = path !== shownPath;
    shownPath = path;
    for (const route of routes) {
        const params = match(route.path, path);
        if (params) return show(route, params, visit.signal, isNewPage);
    }
    show(null, {}, visit.signal, isNewPage);
}

/** @param {string} pattern @param {string} path @returns {Record<string, string> | null} */
function match(pattern, path) {
    const wanted = pattern.split('/');
    const given = path.split('/');
    if (wanted.length !== given.length) return null;
    /** @type {Record<string, string>} */
    const params = {};
    for (let i = 0; i < wanted.length; i += 1) {
        if (wanted[i].startsWith(':')) {
            try {
                params[wanted[i].slice(1)] = decodeURIComponent(given[i]);
            } catch {
                return null;
            }
        } else if (wanted[i] !== given[i]) return null;
    }
    return params;
}

/** Puts a page's heading in place and the focus on it, as a screen reader expects of a new page. */
export function focusHeading(/** @type {HTMLElement} */ root) {
    const heading = root.querySelector('h1');
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
}
