// Pieces of HTML that the report is put together of.
interface TableOptions {
  /** Columns beside the first that hold words and align left. */
  readonly textColumns?: readonly number[];
  readonly best?: readonly boolean[];
}

export function tableHtml(
  caption: string,
  header: readonly string[],
  body: readonly (readonly string[])[],
  { textColumns = [], best = [] }: TableOptions,
): string {
  const kind = (column: number) => (textColumns.includes(column) ? ' class="text"' : '');
  const head = header.map((title, i) => `<th scope="col"${kind(i)}>${escapeHtml(title)}</th>`).join('');
  const lines = body.map((texts, row) => {
    const cells = texts.map((text, i) =>
      i === 0 ? `<th scope="row">${escapeHtml(text)}</th>` : `<td${kind(i)}>${escapeHtml(text)}</td>`,
    );
    return `<tr${best[row] ? ' class="best"' : ''}>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table>\n<caption>${escapeHtml(caption)}</caption>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${lines.join('\n')}\n</tbody>\n</table></div>`;
}

export function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

export function escapeHtml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
