// The cabinet: finds out who is there, then shows the page of the address.

import { fill, h } from './core/dom.js';
import { language, setLanguage, t } from './core/i18n.js';
import { whenSignedOut } from './core/api.js';
import { focusHeading, go, here, link, open, startRouter } from './core/router.js';
import { allShortcuts, setGlobalShortcuts, startShortcuts } from './core/keys.js';
import { currentSession, forget, loadSession } from './core/session.js';
import { destinations, plainShell, shell } from './components/shell.js';
import { shortcutHelp } from './components/dialog.js';
import { failure, loading } from './components/states.js';
import { signInPage } from './pages/sign-in.js';
import { forgottenPage, passwordPage } from './pages/password.js';
import { invitationPage } from './pages/invitation.js';
import { campaignsPage } from './pages/campaigns.js';
import { campaignPage } from './pages/campaign.js';
import { moderationPage } from './pages/moderation.js';
import { walletPage } from './pages/wallet.js';

/** @type {import('./core/router.js').Route[]} */
const routes = [
    { path: '/sign-in', page: signInPage, open: true },
    { path: '/forgotten', page: forgottenPage, open: true },
    { path: '/password', page: passwordPage, open: true },
    { path: '/invitation', page: invitationPage, open: true },
    { path: '/', page: () => go('/campaigns', { replace: true }) },
    { path: '/campaigns', page: campaignsPage },
    { path: '/campaigns/:id', page: campaignPage },
    { path: '/moderation', page: moderationPage },
    { path: '/wallet', page: walletPage },
];

const app = /** @type {HTMLElement} */ (document.getElementById('app'));

/**
 * @param {import('./core/router.js').Route | null} route
 * @param {Record<string, string>} params
 * @param {AbortSignal} signal
 * @param {boolean} isNewPage
 */
async function show(route, params, signal, isNewPage) {
    for (const box of document.querySelectorAll('dialog[open]')) /** @type {HTMLDialogElement} */ (box).close();
    const query = new URLSearchParams(location.search);
    if (route?.open) {
        const root = plainShell(app, open);
        await route.page({ params, query, signal, root });
        name(root);
        return;
    }
    if (!currentSession()) {
        if (!app.childElementCount) fill(app, loading(3));
        try {
            await loadSession();
        } catch (error) {
            if (!signal.aborted) fill(plainShell(app, open), failure(error, open));
            return;
        }
        if (signal.aborted) return;
        if (!currentSession()) return toSignIn();
    }
    // The keys work before the numbers are there.
  keysOfApp();
  // Only what the page itself shows is built again when a filter changes: focus and scrolling stay.
    const shown = app.querySelector('main.page');
    const root = !isNewPage && shown instanceof HTMLElement && shown.dataset.for === frameKey(query)
        ? shown
        : shell(app, query, redraw);
    root.dataset.for = frameKey(query);
    if (route) await route.page({ params, query, signal, root });
    else {fill(
            root,
            h('h1', null, t('page.notFound')),
            h('p', null, t('page.notFoundText')),
            h('p', null, h('a', { href: link('/campaigns') }, t('nav.campaigns'))),
        );}
    if (signal.aborted) return;
    name(root);
    if (isNewPage) {
        scrollTo(0, 0);
        focusHeading(root);
    }
}

/** What the frame around a page depends on. @param {URLSearchParams} query */
const frameKey = (query) => `${language()} ${query.get('advertiser') || ''}`;

function redraw() {
    app.replaceChildren();
    keysOfApp();
    open();
}

/** @param {HTMLElement} root */
function name(root) {
    const heading = root.querySelector('h1')?.textContent;
    document.title = heading ? `${heading} · Nimb` : 'Nimb';
}

/** To the door, and back to this very place afterwards. */
function toSignIn() {
    forget();
    const next = here();
    go(
        next && !next.startsWith('/sign-in') && next !== '/' ? `/sign-in?next=${encodeURIComponent(next)}` : '/sign-in',
        {
            replace: true,
        },
    );
}

function keysOfApp() {
    setGlobalShortcuts([
        ...(currentSession()
            ? destinations().map((one) => ({ keys: `g ${one.key}`, label: one.label, run: () => go(one.path) }))
            : []),
        {
            keys: '/',
            label: t('keys.search'),
            run: () => {
                const field = document.querySelector('input[type="search"]');
                if (field instanceof HTMLElement) field.focus();
            },
        },
        {
            keys: '?',
            label: t('keys.title'),
            run: () => {
                keysOfApp();
                shortcutHelp(allShortcuts());
            },
        },
    ]);
}

setLanguage(language());
whenSignedOut(() => {
    if (currentSession()) toSignIn();
});
addEventListener('nimb-signed-in', keysOfApp);
startShortcuts();
startRouter(routes, (route, params, signal, isNewPage) => {
    show(route, params, signal, isNewPage).then(keysOfApp);
});
