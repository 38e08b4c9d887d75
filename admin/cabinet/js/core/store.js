// What this browser remembers; without storage everything still works until the page is left.

const memory = new Map();

/** @param {string} key @returns {string | null} */
export function recall(key) {
    try {
        return localStorage.getItem('nimb.' + key);
    } catch {
        return memory.get(key) ?? null;
    }
}

/** @param {string} key @param {string | null} value */
export function remember(key, value) {
    memory.set(key, value);
    try {
        if (value === null) localStorage.removeItem('nimb.' + key);
        else localStorage.setItem('nimb.' + key, value);
    } catch { /* Kept for this page only. */ }
}
