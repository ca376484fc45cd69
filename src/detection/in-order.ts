/**
 * Runs tasks with at most `ahead` of them in flight and yields the answers in the order of the tasks, so that results do
 * not depend on which worker was faster. A consumer that stops early waits for those in flight, so that none outlives it.
 */
export async function* inOrder<Task, Answer>(
  tasks: Iterable<Task>,
  run: (task: Task) => Promise<Answer>,
  ahead: number,
): AsyncGenerator<Answer, void, void> {
  const running: Promise<Answer>[] = [];
  try {
    for (const task of tasks) {
      const answer = run(task);
      answer.catch(() => {}); // met when its turn comes, or not wanted any more
      running.push(answer);
      if (running.length >= ahead) {
        const first = await running[0]!;
        running.shift();
        yield first;
      }
    }
    for (let first = running[0]; first !== undefined; first = running[0]) {
      const answer = await first;
      running.shift();
      yield answer;
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/** Cuts a list into pieces of at most `length`. */
export function* pieces<T>(list: readonly T[], length: number): Generator<readonly T[], void, void> {
  for (let start = 0; start < list.length; start += length) yield list.slice(start, start + length);
}
