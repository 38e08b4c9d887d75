// A creative as its template renders it, in a frame that can do nothing, scaled to the room there is.

import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { segment } from '../core/api.js';

/** Width in pixels that a template is laid out for, and the height that is shown, by format. */
const ROOM = {
    banner: [640, 260],
    'product-shelf': [760, 340],
    'brand-shelf': [760, 420],
    'sponsored-product': [300, 400],
    text: [520, 140],
};

/** @param {{id: string, name: string, format: string}} creative @param {number} version */
export function preview(creative, version) {
    const [width, height] = ROOM[creative.format] || [640, 300];
    const frame = /** @type {HTMLIFrameElement} */ (h('iframe', {
        class: 'preview-frame',
        sandbox: '',
        loading: 'lazy',
        title: t('creative.preview', { name: creative.name }),
        tabindex: '-1',
        src: `/v1/creatives/${segment(creative.id)}/versions/${version}/preview`,
        width,
        height,
        referrerpolicy: 'no-referrer',
    }));
    const box = h('div', { class: 'preview' }, frame);
    const fit = () => {
        const scale = Math.min(1, box.clientWidth / width);
        if (!scale) return;
        frame.style.transform = `scale(${scale})`;
        box.style.height = `${Math.round(height * scale)}px`;
    };
    new ResizeObserver(fit).observe(box);
    return box;
}
