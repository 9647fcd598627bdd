// The words of a transcript in columns, as the server gives them, with what the view has to look up quickly.

/** Index of the last value that is not above `limit` in a sorted list; -1 if all are. */
export function lastUpTo(sorted, limit) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class Words {
  /** `answer`: of GET …/words. Times are milliseconds, confidences 0 to 100 or null, speakers indices or null. */
  constructor(answer) {
    const { text, start, end, confidence, speaker } = answer.words;
    Object.assign(this, { text, start, end, confidence, speaker });
    this.count = text.length;
    this.complete = answer.complete;
    this.revision = answer.revision;
    this.gaps = answer.gaps || [];
    this.speakers = answer.speakers || [];
    /** Words by their start: where people talk at once, paragraphs overlap in time. */
    this.byTime = Uint32Array.from(start.keys()).sort((one, other) => start[one] - start[other] || one - other);
    this.times = this.byTime.map((word) => start[word]);
    /** First word of each paragraph. */
    this.first = answer.paragraphs;
    /** Text of each paragraph: its words with a space between. */
    this.paragraphs = this.first.map((from, index) => text.slice(from, this.last(index)).join(" "));
    /** Where each word begins in the text of its paragraph. */
    this.offset = new Uint32Array(this.count);
    for (let paragraph = 0; paragraph < this.first.length; paragraph += 1) {
      let place = 0;
      for (let word = this.first[paragraph]; word < this.last(paragraph); word += 1) {
        this.offset[word] = place;
        place += text[word].length + 1;
      }
    }
  }

  /** One past the last word of a paragraph. */
  last(paragraph) {
    return paragraph + 1 < this.first.length ? this.first[paragraph + 1] : this.count;
  }

  paragraphOf(word) {
    return lastUpTo(this.first, word);
  }

  /** The word that is, or was last, spoken at `ms`; -1 before the first. */
  at(ms) {
    return this.byTime[lastUpTo(this.times, ms)] ?? -1;
  }

  /** The word at a character of a paragraph's text. */
  wordAt(paragraph, character) {
    const from = this.first[paragraph];
    return from + Math.max(0, lastUpTo(this.offset.subarray(from, this.last(paragraph)), character));
  }

  /** Name of the speaker of a paragraph; "" if speakers were not told apart. */
  speakerOf(paragraph) {
    const index = this.speaker[this.first[paragraph]];
    return index === null || index === undefined ? "" : this.speakers[index] || `Speaker ${index + 1}`;
  }

  /** The words of a speaker in [startMs, endMs), as indices [from, to). */
  between(startMs, endMs, speaker) {
    const [first, stop] = [startMs, endMs].map((ms) => lastUpTo(this.times, ms - 1) + 1);
    const own = this.byTime.subarray(first, stop).filter((word) => this.speaker[word] === speaker);
    return own.length ? [Math.min(...own), Math.max(...own) + 1] : [first, first];
  }

  /** Words with a confidence below `threshold`, in [from, to). */
  uncertain(threshold, from = 0, to = this.count) {
    const found = [];
    for (let word = from; word < to; word += 1) {
      const value = this.confidence[word];
      if (value !== null && value !== undefined && value < threshold) found.push(word);
    }
    return found;
  }
}
