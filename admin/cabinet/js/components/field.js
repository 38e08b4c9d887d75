// Fields of forms: label, hint, and the problem of this very field below it.

import { h, uid } from '../core/dom.js';
import { Problem } from '../core/api.js';
import { has, t } from '../core/i18n.js';

/**
 * @param {{name: string, label: string, type?: string, hint?: string, value?: string, autocomplete?: string, rows?: number,
 *   required?: boolean, maxlength?: number}} given
 */
export function field(given) {
    const id = uid('field');
    const shared = {
        id,
        name: given.name,
        required: given.required,
        maxlength: given.maxlength,
        autocomplete: given.autocomplete,
        'aria-describedby': `${id}-hint ${id}-problem`,
        class: 'input',
    };
    const input = given.rows
        ? h('textarea', { ...shared, rows: given.rows })
        : h('input', { ...shared, type: given.type || 'text', spellcheck: given.type === 'password' ? 'false' : null });
    if (given.value) /** @type {HTMLInputElement} */ (input).value = given.value;
    return h(
        'div',
        { class: 'field', data: { field: given.name } },
        h('label', { for: id }, given.label),
        input,
        h('div', { class: 'field-hint small muted', id: `${id}-hint` }, given.hint),
        h('div', { class: 'field-problem small', id: `${id}-problem` }),
    );
}

/** The text of a field. @param {HTMLElement} form @param {string} name */
export function value(form, name) {
    const input = form.querySelector(`[name="${name}"]`);
    return input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement ? input.value : '';
}

/** @param {HTMLElement} form */
export function clearProblems(form) {
    for (const one of form.querySelectorAll('.field')) {
        one.querySelector('.input')?.removeAttribute('aria-invalid');
        one.querySelector('.field-problem')?.replaceChildren();
    }
    form.querySelector('.form-problem')?.replaceChildren();
}

/** Shows a problem at its field, or above the form. @param {HTMLElement} form @param {string | null} name @param {string} text */
export function showProblem(form, name, text) {
    const place = name ? form.querySelector(`.field[data-field="${CSS.escape(name)}"]`) : null;
    if (!place) {
        form.querySelector('.form-problem')?.replaceChildren(text);
        return;
    }
    place.querySelector('.field-problem')?.replaceChildren(text);
    const input = place.querySelector('.input');
    input?.setAttribute('aria-invalid', 'true');
    if (!form.querySelector('.input[aria-invalid="true"]:focus') && input instanceof HTMLElement) input.focus();
}

/** A refused request: each field says what is wrong with it. @param {HTMLElement} form @param {unknown} error */
export function showRefusal(form, error) {
    if (!(error instanceof Problem)) throw error;
    if (error.errors.length) {
        for (const one of error.errors) {
            showProblem(form, one.field, wording(one.code, one.detail));
        }
    } else showProblem(form, error.field, error.field ? wording(error.code, error.detail) : error.sentence);
}

/** @param {string} code @param {string} detail */
export const wording = (code, detail) => (has(`problem.field.${code}`) ? t(`problem.field.${code}`) : detail);
