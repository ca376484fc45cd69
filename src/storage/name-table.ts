/** What is remembered of an entry: two numbers that say where it lies and how long it is, and a mark. */
export interface Entry {
  readonly place: number;
  readonly sizeBytes: number;
}

/** The entries of an archive by name, in some 40 bytes each: an archive may hold millions. */
export interface NameTable {
  readonly count: number;
  /** Adds an entry, unless there is one of that name. */
  add(name: string, entry: Entry): "added" | "known";
  find(name: string): Entry | undefined;
}

/**
 * Opens an empty table. Names are not kept, but two hashes of them (64 bits): among a million names two are taken for
 * one with a probability of 3 · 10⁻⁸, and then one entry more of the archive is reported as a duplicate.
 */
export function openNameTable(): NameTable {
  let count = 0;
  let columns = makeColumns(256);
  /** Place of a name's entry, or of the free slot where it belongs (linear probing; at most half of the slots are used). */
  const slotOf = ({ slots, low, high }: Columns, [one, other]: readonly [number, number]) => {
    const mask = slots.length - 1;
    let slot = one & mask;
    for (let index = slots[slot]!; index !== 0; index = slots[slot]!) {
      if (low[index - 1] === one && high[index - 1] === other) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  };
  const grow = () => {
    const larger = makeColumns(columns.low.length * 2);
    for (const column of ["low", "high", "places", "sizes"] as const) larger[column].set(columns[column]);
    for (let index = 0; index < count; index++) {
      larger.slots[slotOf(larger, [larger.low[index]!, larger.high[index]!])] = index + 1;
    }
    columns = larger;
  };
  return {
    get count() {
      return count;
    },
    add(name, { place, sizeBytes }) {
      if (count === columns.low.length) grow();
      const [one, other] = hashes(name);
      const slot = slotOf(columns, [one, other]);
      if (columns.slots[slot] !== 0) return "known";
      columns.low[count] = one;
      columns.high[count] = other;
      columns.places[count] = place;
      columns.sizes[count] = sizeBytes;
      columns.slots[slot] = ++count;
      return "added";
    },
    find(name) {
      const index = columns.slots[slotOf(columns, hashes(name))]!;
      return index === 0 ? undefined : { place: columns.places[index - 1]!, sizeBytes: columns.sizes[index - 1]! };
    },
  };
}

interface Columns {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly places: Float64Array;
  readonly sizes: Float64Array;
  /** Index of an entry plus one; 0 is free. */
  readonly slots: Uint32Array;
}

function makeColumns(room: number): Columns {
  return {
    low: new Uint32Array(room),
    high: new Uint32Array(room),
    places: new Float64Array(room),
    sizes: new Float64Array(room),
    slots: new Uint32Array(2 * room),
  };
}

/** Two FNV-1a hashes of different primes over the UTF-16 code units, mixed so that their low bits differ too (Murmur3). */
function hashes(name: string): readonly [number, number] {
  let one = 0x811c9dc5;
  let other = 0x9747b28c;
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x85ebca6b);
  }
  return [mix(one), mix(other)];
}

function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}
