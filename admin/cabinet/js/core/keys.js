// Keyboard shortcuts: single keys and sequences such as `g c`, off while something is typed or a dialog is open.

/**
 * @typedef {object} Shortcut
 * @property {string} keys `j`, `g c`, `?`
 * @property {string} label for the help dialog
 * @property {() => void} run
 */

/** @type {Shortcut[]} */
let global = [];
/** @type {Shortcut[]} */
let ofPage = [];
let first = '';
let firstAt = 0;

/** @param {Shortcut[]} list */
export const setGlobalShortcuts = (list) => {
    global = list;
};

/** Shortcuts of a page, until it is left. @param {Shortcut[]} list @param {AbortSignal} signal */
export function setPageShortcuts(list, signal) {
    ofPage = list;
    signal.addEventListener('abort', () => {
        if (ofPage === list) ofPage = [];
    });
}

export const allShortcuts = () => ({ page: ofPage, global });

// Letters are told by their place on the keyboard, so that they work in a Russian layout as well.
function keyOf(/** @type {KeyboardEvent} */ event) {
    if (/^Key[A-Z]$/.test(event.code)) return event.code.slice(3).toLowerCase();
    if (event.code === 'Slash') return event.shiftKey ? '?' : '/';
    // Shift and 7 makes a question mark in a Russian layout.
    if (event.key === '?') return '?';
    return event.key;
}

export function startShortcuts() {
    addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        const target = event.target;
        if (target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))) {
            return;
        }
        if (document.querySelector('dialog[open]')) return;
        const key = keyOf(event);
        const pair = Date.now() - firstAt < 1200 ? `${first} ${key}` : key;
        const all = [...ofPage, ...global];
        const found = all.find((one) => one.keys === pair) || all.find((one) => one.keys === key);
        if (found) {
            first = '';
            event.preventDefault();
            found.run();
        } else if (all.some((one) => one.keys.startsWith(key + ' '))) {
            first = key;
            firstAt = Date.now();
        } else first = '';
    });
}
