// Curves by day, drawn by Debian's Chart.js, with the same numbers as a table for everybody who cannot see a canvas.

import { h, uid } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { colour, whenThemeChanges } from '../core/theme.js';
import { money, shortDay, shortMoney } from '../core/format.js';

/** @type {Promise<any> | null} */
let library = null;

/** The library, loaded when the first chart is shown; null when the server has none. */
function loadLibrary() {
    library ??= new Promise((resolve) => {
        const script = h('script', { src: '/admin/vendor/chart.min.js' });
        script.addEventListener('load', () => resolve(/** @type {any} */ (window).Chart || null));
        script.addEventListener('error', () => {
            library = null;
            resolve(null);
        });
        document.head.append(script);
    });
    return library;
}

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {'bar' | 'line'} kind bars are stacked
 * @property {string} colour name of a CSS variable
 * @property {number[]} micros one for each day
 */

/**
 * @param {{title: string, days: string[], series: Series[], twin: Node, signal: AbortSignal}} given
 *   `twin` is the same as a table.
 */
export function moneyChart({ title, days, series, twin, signal }) {
    const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', {
        role: 'img',
        'aria-label': `${title}. ${t('chart.seeTable')}`,
    }));
    const frame = h('div', { class: 'chart-frame' }, canvas);
    const panel = uid('twin');
    const body = h('div', { class: 'chart-twin', id: panel, hidden: true }, twin);
    const toggle = h('button', {
        class: 'button plain',
        type: 'button',
        'aria-expanded': 'false',
        'aria-controls': panel,
    }, t('chart.showTable'));
    const reveal = (/** @type {boolean} */ shown) => {
        body.hidden = !shown;
        toggle.setAttribute('aria-expanded', String(shown));
        toggle.replaceChildren(t(shown ? 'chart.hideTable' : 'chart.showTable'));
    };
    toggle.addEventListener('click', () => reveal(body.hidden));
    const legend = h(
        'ul',
        { class: 'legend small', 'aria-hidden': 'true' },
        series.map((one) => {
            const mark = h('span', { class: `legend-mark ${one.kind}` });
            mark.style.setProperty('--mark', `var(${one.colour})`);
            return h('li', null, mark, one.label);
        }),
    );
    const figure = h(
        'figure',
        { class: 'chart' },
        h('figcaption', null, h('h2', null, title), legend),
        frame,
        toggle,
        body,
    );
    draw(canvas, days, series, signal).then((drawn) => {
        if (drawn || signal.aborted) return;
        frame.replaceChildren(h('p', { class: 'notice' }, t('chart.noLibrary')));
        reveal(true);
    });
    return figure;
}

/** @param {HTMLCanvasElement} canvas @param {string[]} days @param {Series[]} series @param {AbortSignal} signal */
async function draw(canvas, days, series, signal) {
    const Chart = await loadLibrary();
    if (!Chart) return false;
    if (signal.aborted) return true;
    const chart = new Chart(canvas, settings(days, series));
    canvas.dataset.drawn = 'yes';
    const again = () => {
        const next = settings(days, series);
        chart.data = next.data;
        chart.options = next.options;
        chart.update('none');
    };
    whenThemeChanges(again, signal);
    signal.addEventListener('abort', () => chart.destroy());
    return true;
}

/** @param {string[]} days @param {Series[]} series */
function settings(days, series) {
    const muted = colour('--muted');
    const line = colour('--line');
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
    return {
        type: 'bar',
        data: {
            labels: days.map(shortDay),
            datasets: series.map((one) => ({
                type: one.kind,
                label: one.label,
                data: one.micros.map((value) => value / 1e6),
                backgroundColor: colour(one.colour),
                borderColor: colour(one.colour),
                stack: one.kind === 'bar' ? 'sales' : one.label,
                borderWidth: one.kind === 'line' ? 2 : 0,
                pointRadius: days.length > 1 ? 0 : 4,
                pointHitRadius: 12,
                tension: 0.25,
                borderRadius: 2,
                maxBarThickness: 28,
                order: one.kind === 'line' ? 0 : 1,
            })),
        },
        options: {
            maintainAspectRatio: false,
            animation: false,
            interaction: { mode: 'index', intersect: false },
            scales: {
                x: {
                    stacked: true,
                    grid: { display: false, drawBorder: false },
                    ticks: { color: muted, font, maxRotation: 0, autoSkipPadding: 16 },
                },
                y: {
                    stacked: true,
                    beginAtZero: true,
                    grid: { color: line, drawBorder: false },
                    ticks: {
                        color: muted,
                        font,
                        maxTicksLimit: 5,
                        callback: (/** @type {number} */ value) => shortMoney(value),
                    },
                },
            },
            plugins: {
                legend: { display: false },
                tooltip: {
                    backgroundColor: colour('--raised'),
                    titleColor: colour('--text'),
                    bodyColor: colour('--text'),
                    borderColor: line,
                    borderWidth: 1,
                    padding: 10,
                    titleFont: font,
                    bodyFont: font,
                    usePointStyle: true,
                    boxPadding: 4,
                    callbacks: {
                        label: (/** @type {any} */ item) => ` ${item.dataset.label}: ${money(item.raw * 1e6)}`,
                    },
                },
            },
        },
    };
}
