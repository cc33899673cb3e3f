// Names within Markdown: they read as they are, and are neither markup nor links.

/** Text of a paragraph, a heading or a table's cell. */
export function markdownText(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\\`|<>*~]|\](?=[([:])|:(?=\/\/)|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])/g, '\\$&')
    .replaceAll(/\bwww\./gi, (match) => `${match.slice(0, 3)}\\.`);
}

/** A code span: its fence is longer than any run of backticks within. */
export function markdownCode(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  // Between fences that touch a backtick a blank is read as none.
  const blank = longest > 0 ? ' ' : '';
  return `${fence}${blank}${line}${blank}${fence}`;
}

/** A line of a table. */
export function markdownRow(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => markdownText(String(cell))).join(' | ')} |`;
}
