// Builds elements. Texts always become text nodes: nothing here can turn data into markup.

/**
 * @typedef {Node | string | number | null | undefined | false | any[]} Child
 */

/**
 * @param {string} tag
 * @param {Record<string, any> | null} [props] `class`, `on` (listeners by name), `data` (data-*), `prop` (properties);
 *   everything else is an attribute; null, undefined and false leave it out, true makes it empty.
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props || {})) {
        if (value === null || value === undefined || value === false) continue;
        if (name === 'on') {
            for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
        } else if (name === 'data') {
            for (const [key, text] of Object.entries(value)) {
                if (text !== null && text !== undefined) element.dataset[key] = String(text);
            }
        } else if (name === 'prop') {
            Object.assign(element, value);
        } else {
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }
    append(element, children);
    return element;
}

/** @param {Element} parent @param {Child[]} children */
export function append(parent, children) {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(parent, child);
        else parent.append(child instanceof Node ? child : String(child));
    }
}

/** Replaces what an element holds. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
    parent.replaceChildren();
    append(parent, children);
}

let counter = 0;
/** An id that is unique on the page. */
export function uid(prefix = 'n') {
    counter += 1;
    return `${prefix}-${counter}`;
}
