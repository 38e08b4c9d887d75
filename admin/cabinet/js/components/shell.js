// The frame around every page: where one is, where one can go, whose numbers are shown, language and theme.

import { fill, h, uid } from '../core/dom.js';
import { language, setLanguage, t } from '../core/i18n.js';
import { setTheme, theme } from '../core/theme.js';
import { go, here, link, setQuery } from '../core/router.js';
import { api, isAborted } from '../core/api.js';
import { currentSession, decisions, isRetailer, keepLanguage, seesModeration, signOut } from '../core/session.js';

/** Pages of the menu, with the key that leads there. */
export const destinations = () => [
    { path: '/campaigns', label: t('nav.campaigns'), key: 'c' },
    ...(seesModeration() ? [{ path: '/moderation', label: t('nav.moderation'), key: 'm' }] : []),
    { path: '/wallet', label: t('nav.wallet'), key: 'w' },
];

/** A picker of one of a few, as a native control: it works with everything. */
function choice(
    /** @type {string} */ label,
    /** @type {string} */ name,
    /** @type {[string, string][]} */ options,
    /** @type {string} */ chosen,
    /** @type {(value: string) => void} */ choose,
) {
    const id = uid('choice');
    const select = /** @type {HTMLSelectElement} */ (h(
        'select',
        { id, class: 'select', name },
        options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
    ));
    select.addEventListener('change', () => choose(select.value));
    return h('div', { class: 'choice' }, h('label', { class: 'small muted', for: id }, label), select);
}

/** Language and theme; the whole page is built again in the new language. @param {() => void} redraw */
export function preferences(redraw) {
    return h(
        'div',
        { class: 'preferences' },
        choice(t('pref.language'), 'language', [['ru', 'Русский'], ['en', 'English']], language(), (value) => {
            setLanguage(value === 'en' ? 'en' : 'ru');
            keepLanguage();
            redraw();
        }),
        choice(
            t('pref.theme'),
            'theme',
            [['system', t('pref.system')], ['light', t('pref.light')], ['dark', t('pref.dark')]],
            theme(),
            (value) => setTheme(value === 'light' || value === 'dark' ? value : 'system'),
        ),
    );
}

/** Whose numbers are shown: for those who see several advertisers. @param {URLSearchParams} query */
function advertiserSwitch(query) {
    const session = currentSession();
    if (!session || (!isRetailer() && session.advertisers.length < 2)) return null;
    const chosen = query.get('advertiser') || '';
    const place = h('div', { class: 'advertiser-switch' });
    const show = (/** @type {{id: string, name: string}[]} */ list) =>
        fill(
            place,
            choice(
                t('nav.advertiser'),
                'advertiser',
                [
                    ['', t('nav.allAdvertisers')],
                    ...list.map((one) => /** @type {[string, string]} */ ([one.id, one.name])),
                ],
                chosen,
                (value) => {
                    // A campaign belongs to one advertiser, so another choice leads back to the list.
                    if (/^\/campaigns\/./.test(here())) {
                        go(value ? `/campaigns?advertiser=${encodeURIComponent(value)}` : '/campaigns');
                    } else setQuery({ advertiser: value || null, cursor: null, item: null });
                },
            ),
        );
    if (!isRetailer()) show(session.advertisers);
    else {
        show(chosen ? [{ id: chosen, name: chosen }] : []);
        api.get('/v1/advertisers', { limit: 500 }).then((page) => {
            if (place.contains(document.activeElement)) return;
            show(
                page.items.some((/** @type {any} */ one) => one.id === chosen) || !chosen
                    ? page.items
                    : [{ id: chosen, name: chosen }, ...page.items],
            );
        }, (error) => {
            if (!isAborted(error)) place.dataset.failed = 'yes';
        });
    }
    return place;
}

/** @type {AbortController | null} */
let counting = null;

/** What waits for moderation, as a number beside the menu. @param {HTMLElement} badge */
async function countWaiting(badge) {
    try {
        const page = await api.get('/v1/moderation', { limit: 100 });
        const n = decisions(page.items).length;
        fill(badge, `${n}${page.next_cursor ? '+' : ''}`);
        badge.hidden = n === 0;
    } catch {
        badge.hidden = true;
    }
}

/** Packages of the server's system that are not installed. */
export function missingPackages() {
    const meta = document.querySelector('meta[name="nimb-missing"]');
    const names = meta instanceof HTMLMetaElement ? meta.content : '';
    return names ? h('p', { class: 'notice', role: 'note' }, t('shell.missing', { packages: names })) : null;
}

export const brand = () => h('span', { class: 'brand' }, h('span', { class: 'halo', 'aria-hidden': 'true' }), 'Nimb');

/**
 * @param {HTMLElement} app
 * @param {URLSearchParams} query
 * @param {() => void} redraw builds everything again
 * @returns {HTMLElement} where the page goes
 */
export function shell(app, query, redraw) {
    const session = currentSession();
    const path = here().split('?')[0];
    const advertiser = query.get('advertiser');
    const badge = h('span', { class: 'badge', hidden: true });
    const menu = h(
        'nav',
        { class: 'menu', 'aria-label': t('nav.label') },
        h(
            'ul',
            null,
            destinations().map((one) => {
                const isHere = path === one.path || path.startsWith(one.path + '/');
                return h(
                    'li',
                    null,
                    h(
                        'a',
                        { href: link(one.path, { advertiser }), 'aria-current': isHere ? 'page' : null },
                        one.label,
                        one.path === '/moderation' && badge,
                    ),
                );
            }),
        ),
    );
    const root = h('main', { class: 'page', id: 'content' });
    const user = session?.user;
    const account = h(
        'details',
        { class: 'account' },
        h(
            'summary',
            null,
            h('span', { class: 'account-name' }, user?.name || user?.email || ''),
            h('span', { class: 'small muted' }, t(isRetailer() ? 'nav.side.retailer' : 'nav.side.advertiser')),
        ),
        h(
            'div',
            { class: 'account-body' },
            h('p', { class: 'small muted' }, user?.email),
            preferences(redraw),
            h('button', {
                class: 'button',
                type: 'button',
                data: { action: 'sign-out' },
                on: {
                    click: async () => {
                        try {
                            await signOut();
                        } finally {
                            go('/sign-in');
                        }
                    },
                },
            }, t('action.signOut')),
            h('p', { class: 'small muted' }, t('keys.hint')),
        ),
    );
    fill(
        app,
        h('a', {
            class: 'skip',
            href: '#content',
            on: {
                click: (/** @type {Event} */ event) => {
                    event.preventDefault();
                    focusPage(root);
                },
            },
        }, t('nav.skip')),
        h(
            'div',
            { class: 'frame' },
            h(
                'header',
                { class: 'side' },
                h('a', { class: 'home', href: link('/campaigns', { advertiser }), 'aria-label': 'Nimb' }, brand()),
                advertiserSwitch(query),
                menu,
                account,
            ),
            h('div', { class: 'main' }, missingPackages(), root),
        ),
    );
    if (seesModeration()) {
        countWaiting(badge);
        // One frame at a time listens.
        counting?.abort();
        counting = new AbortController();
        addEventListener('nimb-moderated', () => countWaiting(badge), { signal: counting.signal });
    }
    return root;
}

/** @param {HTMLElement} root */
function focusPage(root) {
    root.tabIndex = -1;
    root.focus();
}

/** A page for people who are not signed in. @param {HTMLElement} app @param {() => void} redraw @returns {HTMLElement} */
export function plainShell(app, redraw) {
    const root = h('main', { class: 'door' });
    fill(
        app,
        h(
            'div',
            { class: 'door-frame' },
            h('header', null, brand()),
            root,
            missingPackages(),
            h('footer', null, preferences(redraw)),
        ),
    );
    return root;
}
