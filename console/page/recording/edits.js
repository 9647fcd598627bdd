// What a corrected paragraph changes, word by word, so that all other words keep their times.

/** Length of the longest common subsequence from each pair of places on, as rows of a table. */
function common(old, now) {
  const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      table[i][j] = old[i] === now[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  return table;
}

/** Stretches that differ, as [from, to) of `old` and the words that stand there now. */
function stretches(old, now) {
  const table = common(old, now);
  const found = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i += 1;
      j += 1;
      continue;
    }
    const [from, first] = [i, j];
    while ((i < old.length || j < now.length) && !(i < old.length && j < now.length && old[i] === now[j])) {
      if (j >= now.length || (i < old.length && table[i + 1][j] >= table[i][j + 1])) i += 1;
      else j += 1;
    }
    found.push({ from, to: i, words: now.slice(first, j) });
  }
  return found;
}

/**
 * The edits from the words `old`, the first of which is number `first` of the transcript, to `text`: a list of
 * `{from, to, text}`, `to` exclusive. New words always replace at least one, whose time they share; no words delete.
 */
export function editsOf(old, first, text) {
  const now = text.trim().split(/\s+/).filter(Boolean);
  // The same beginning and end are left out of the table, which grows with the square.
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const inner = stretches(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const edits = [];
  for (const one of inner) {
    const [from, to, words] = [one.from + start, one.to + start, one.words];
    const taken = edits.at(-1)?.to ?? 0;
    if (from < to) edits.push({ from, to, words });
    // Added words go together with one that stays: the one before, else the one behind.
    else if (from > taken) edits.push({ from: from - 1, to, words: [old[from - 1], ...words] });
    else if (to < old.length) edits.push({ from, to: to + 1, words: [...words, old[to]] });
    else edits.at(-1).words.push(...words);
  }
  return edits.map((one) => ({ from: one.from + first, to: one.to + first, text: one.words.join(" ") }));
}
