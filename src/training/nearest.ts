/**
 * The known words, those with the fewest letters to change first (Levenshtein 1966), upper and lower case alike. A word
 * that was only begun counts as one letter off.
 */
export function nearestWords(word: string, known: readonly string[]): readonly string[] {
  const lower = word.toLowerCase();
  const ranked = known.map((other) => {
    const distance = editDistance(lower, other.toLowerCase());
    return { other, distance: other.toLowerCase().startsWith(lower) ? Math.min(1, distance) : distance };
  });
  return ranked.sort((one, two) => one.distance - two.distance).map(({ other }) => other);
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
