/** Makes feeds on the thread that takes the steps, one step's after the other. */
export interface FeedMaker<Task> {
  /** Begins what goes on by itself while the thread is busy, such as reading. */
  begin(task: Task): void;
  /** The feeds, begun or not; they hold until the next ones are made. */
  make(task: Task): Promise<Readonly<Record<string, Float32Array>>>;
}

/** Feeds to be made. */
export interface Numbered<Task> {
  /** Equal for equal tasks of a thread, and only for them. */
  readonly id: number;
  readonly task: Task;
}

/** What a step wants made: its own feeds, and those that the next one will want, where there are any. */
export interface Making<Task> {
  readonly now: Numbered<Task> | undefined;
  readonly next: Numbered<Task> | undefined;
}

/** Makes feeds before they are asked for. */
interface Ahead<Task> {
  /** The feeds, made before or now. */
  take(wanted: Numbered<Task>): Promise<Readonly<Record<string, Float32Array>>>;
  /** Begins the next ones; the last ones are still in use. */
  begin(next: Numbered<Task>): void;
  /** Makes the next ones once the thread is idle, when nothing uses the last ones any more. */
  makeLater(): void;
}

/**
 * Makes the feeds of the next step between two of them: what begins a step reads ahead while it runs, and the rest is done
 * while its answer is on its way and looked at. A request that comes meanwhile waits for it.
 */
export function makeAhead<Task>(maker: FeedMaker<Task>): Ahead<Task> {
  let next: (Numbered<Task> & { made: ReturnType<FeedMaker<Task>["make"]> | undefined }) | undefined;
  return {
    async take(wanted) {
      const ready = next?.id === wanted.id ? next : undefined;
      if (ready === undefined) await next?.made?.catch(() => {}); // it is made in the same memory
      next = undefined;
      return ready === undefined ? maker.make(wanted.task) : (ready.made ?? maker.make(ready.task));
    },
    begin(wanted) {
      next = { ...wanted, made: undefined };
      maker.begin(wanted.task);
    },
    makeLater() {
      const waiting = next;
      if (waiting === undefined) return;
      setImmediate(() => {
        if (next !== waiting) return; // asked for already
        waiting.made = maker.make(waiting.task);
        waiting.made.catch(() => {}); // met where it is asked for; one that never is must not end the process
      });
    },
  };
}
