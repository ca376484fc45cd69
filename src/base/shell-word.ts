/** A path as a shell takes it, for commands to copy. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
