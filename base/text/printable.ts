// Text that others chose (names of tensors, messages of libraries) on a line of ours.

/** `text` with control characters as JavaScript escapes them: a name cannot break a line, or steer a terminal. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => {
    const known = JSON.stringify(character).slice(1, -1);
    return known !== character ? known : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
