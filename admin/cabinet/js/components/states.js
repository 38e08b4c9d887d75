// What stands in a place before, instead of and after its content: loading, nothing yet, an error with a way out.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { isAborted, Problem } from '../core/api.js';
import { link } from '../core/router.js';

/** Grey bars in the place of what is coming. @param {number} [lines] */
export function loading(lines = 4) {
    const bars = Array.from({ length: lines }, () => h('div', { class: 'skeleton' }));
    return h('div', { class: 'loading', role: 'status', 'aria-label': t('state.loading') }, bars);
}

/** @param {{title: string, text: string, action?: Node | null}} given */
export function empty({ title, text, action }) {
    return h('div', { class: 'empty' }, h('h2', null, title), h('p', null, text), action);
}

/** @param {unknown} error @param {() => void} [retry] */
export function failure(error, retry) {
    const problem = error instanceof Problem ? error : null;
    const isGone = problem?.status === 404;
    const again = isGone
        ? h('a', { class: 'button', href: link('/campaigns') }, t('state.toCampaigns'))
        : retry && h('button', { class: 'button', type: 'button', on: { click: retry } }, t('action.retry'));
    return h(
        'div',
        { class: 'failure', role: 'alert' },
        h(
            isGone ? 'h1' : 'h2',
            null,
            problem?.status === 0 ? t('state.noAnswer') : isGone ? t('state.notFound') : t('state.failed'),
        ),
        h('p', null, problem ? problem.sentence : t('problem.other')),
        problem?.requestID && problem.status >= 500 &&
            h('p', { class: 'small muted' }, t('state.requestID', { id: problem.requestID })),
        again,
    );
}

/**
 * Shows a placeholder, then what `load` makes, or an error with "try again".
 * @param {HTMLElement} place
 * @param {AbortSignal} signal
 * @param {() => Promise<Node | Node[]>} load
 * @param {{lines?: number, quiet?: boolean}} [options] `quiet` keeps what is shown while loading
 */
export async function present(place, signal, load, options = {}) {
    if (!options.quiet || !place.childElementCount) place.replaceChildren(loading(options.lines));
    place.setAttribute('aria-busy', 'true');
    try {
        const content = await load();
        if (signal.aborted) return;
        place.replaceChildren(...(Array.isArray(content) ? content : [content]));
    } catch (error) {
        if (signal.aborted || isAborted(error)) return;
        if (!(error instanceof Problem)) console.error(error);
        place.replaceChildren(failure(error, () => present(place, signal, load)));
    }
    place.removeAttribute('aria-busy');
}
