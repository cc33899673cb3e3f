// Commands in a form to paste into a shell.

/** Joins the words, with single quotes around those that a POSIX shell would split or expand. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
