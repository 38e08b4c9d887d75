// Why a campaign may not be serving, as far as its own data tell: pure, no requests.

/**
 * @typedef {object} Hint
 * @property {string} code key of the text, `serving.<code>`
 * @property {Record<string, any>} [values]
 * @property {'stop' | 'note'} weight whether it stops the whole campaign
 */

/**
 * @param {any} campaign @param {any[]} lineItems @param {any[]} creatives @param {any | null} wallet @param {number} now milliseconds
 * @returns {Hint[]}
 */
export function servingHints(campaign, lineItems, creatives, wallet, now) {
    if (!['active', 'approved', 'paused', 'moderation', 'draft'].includes(campaign.state)) return [];
    /** @type {Hint[]} */
    const hints = [];
    const lines = lineItems.filter((line) => !line.archived);
    if (!campaign.kktu) hints.push({ code: 'noKktu', weight: 'stop' });
    if (!lines.length) hints.push({ code: 'noLines', weight: 'stop' });
    if (campaign.state === 'draft' || campaign.state === 'moderation') {
        return [...hints, ...withoutCreative(lines, creatives)];
    }
    if (campaign.state === 'approved' && campaign.held) hints.push({ code: 'held', weight: 'stop' });
    if (campaign.state === 'approved' && campaign.starts_at && Date.parse(campaign.starts_at) > now) {
        hints.push({ code: 'notBegun', values: { at: campaign.starts_at }, weight: 'stop' });
    }
    if (wallet && wallet.available_micros <= 0) hints.push({ code: 'noMoney', weight: 'stop' });
    for (const line of lines) {
        const name = line.name;
        if (line.paused) hints.push({ code: 'linePaused', values: { name }, weight: 'note' });
        else if (Date.parse(line.flight.to) <= now) hints.push({ code: 'lineEnded', values: { name }, weight: 'note' });
        else if (Date.parse(line.flight.from) > now) {
            hints.push({ code: 'lineLater', values: { name, at: line.flight.from }, weight: 'note' });
        } else if (line.total_budget_micros !== null && line.spent_micros >= line.total_budget_micros) {
            hints.push({ code: 'lineSpent', values: { name }, weight: 'note' });
        } else if (!creatives.some((one) => one.line_item === line.id && one.serving_version && !one.paused)) {
            hints.push(creativeHint(line, creatives));
        }
    }
    return hints;
}

/** @param {any[]} lines @param {any[]} creatives @returns {Hint[]} */
function withoutCreative(lines, creatives) {
    return lines.filter((line) => !creatives.some((one) => one.line_item === line.id))
        .map((line) => ({ code: 'lineNoCreative', values: { name: line.name }, weight: 'note' }));
}

/** @param {any} line @param {any[]} creatives @returns {Hint} */
function creativeHint(line, creatives) {
    const own = creatives.filter((one) => one.line_item === line.id);
    const values = { name: line.name };
    if (!own.length) return { code: 'lineNoCreative', values, weight: 'note' };
    if (own.every((one) => one.paused)) return { code: 'lineCreativesPaused', values, weight: 'note' };
    if (own.some((one) => one.newest.state === 'approved' && one.newest.registration?.state === 'refused')) {
        return { code: 'lineRefused', values, weight: 'note' };
    }
    if (own.some((one) => one.newest.state === 'approved')) return { code: 'lineAwaitsErid', values, weight: 'note' };
    if (own.some((one) => one.newest.state === 'moderation')) return { code: 'lineModeration', values, weight: 'note' };
    return { code: 'lineNoServable', values, weight: 'note' };
}
