/** Bar charts as SVG, without anything but text: one group of bars for each workload. */

const colours = ["#1d4ed8", "#3b82f6", "#93c5fd", "#b45309", "#f59e0b", "#6b7280", "#9ca3af", "#059669"];
const escapeText = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/**
 * @param {{ title: string, unit: string, bars: { label: string, value: number, least: number, most: number, own: boolean }[] }} chart
 */
export function barChart({ title, unit, bars }) {
  const width = 720;
  const left = 250;
  const step = 26;
  const height = 56 + bars.length * step;
  const most = Math.max(...bars.map(({ most }) => most)) * 1.15;
  const x = (value) => left + ((width - left - 20) * value) / most;
  const rows = bars.map(({ label, value, least, most: top, own }, index) => {
    const y = 44 + index * step;
    const fill = own ? colours[0] : colours[5];
    return [
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end" font-weight="${own ? 600 : 400}">${escapeText(label)}</text>`,
      `<rect x="${left}" y="${y}" width="${(x(value) - left).toFixed(1)}" height="18" fill="${fill}"/>`,
      `<line x1="${x(least).toFixed(1)}" x2="${x(top).toFixed(1)}" y1="${y + 9}" y2="${y + 9}" stroke="#111827" stroke-width="1.5"/>`,
      `<text x="${(x(top) + 6).toFixed(1)}" y="${y + 13}">${value.toFixed(value < 10 ? 1 : 0)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#111827">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="12" y="22" font-size="15" font-weight="600">${escapeText(title)}</text>
<text x="${width - 12}" y="22" text-anchor="end" fill="#6b7280">${escapeText(unit)}</text>
${rows.join("\n")}
</svg>
`;
}
