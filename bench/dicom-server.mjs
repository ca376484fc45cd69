// Ichor as bench/dicom.bench.ts times it, built: a JSON line of what to do in, a JSON line of the milliseconds out.
import { closeSync, openSync, readSync } from "node:fs";
import { createInterface } from "node:readline";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { silent } from "../dist/base/index.js";
import { lendHu, readHu, readSliceHeaders } from "../dist/ct/index.js";
import { filesOfTask, openHeaderReader } from "../dist/dataset/header-reader.js";
import { buildCache, buildIndex, openIndex } from "../dist/dataset/index.js";

const whole = new Uint8Array(2 ** 20);
const page = new Uint8Array(4096);

function read(path, target) {
  const file = openSync(path, "r");
  readSync(file, target, 0, target.length, 0);
  closeSync(file);
}

/** What is done with each file. The last two are what the disk can do. */
const works = {
  header: (path) => readSliceHeaders(path)[0].header.sliceId,
  hu: (path) => readHu(path).value.hu[0],
  "lent hu": (path) => lendHu(path).value.hu[0],
  "raw page": (path) => read(path, page),
  "raw file": (path) => read(path, whole),
};

const doAll = ({ work, paths }) => {
  for (const path of paths) works[work](path);
};

const teams = new Map();

/** So many worker threads, started once. */
function team(threads) {
  const known = teams.get(threads);
  if (known !== undefined) return known;
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL(import.meta.url));
    const run = (task) =>
      new Promise((resolve) => {
        worker.once("message", resolve);
        worker.postMessage(task);
      });
    return { run };
  });
  teams.set(threads, workers);
  return workers;
}

/** Shares the files out in tasks of a hundred, as the pools of the program do. */
async function share({ work, paths, threads }) {
  let next = 0;
  await Promise.all(
    team(threads).map(async ({ run }) => {
      for (let at = next; at < paths.length; at = next) {
        next += 100;
        await run({ work, paths: paths.slice(at, at + 100) });
      }
    }),
  );
}

let reader;

/** Headers as `ichor index` reads them, by threads that are started once. */
async function readHeaders({ paths }) {
  reader ??= openHeaderReader({ threads: 2, files: paths.length });
  const running = new Set();
  for (let at = 0; at < paths.length; at += filesOfTask) {
    while (running.size >= reader.tasks) await Promise.race(running);
    const work = reader.read(paths.slice(at, at + filesOfTask)).then(() => running.delete(work));
    running.add(work);
  }
  await Promise.all(running);
}

const whileRunning = { progress: silent, signal: new AbortController().signal };

async function cache({ index, dir, threads }) {
  const table = await openIndex(index);
  const preprocessing = { values: "hu", size: 128, fieldOfViewMm: "image" };
  const built = await buildCache({ table: table.value, preprocessing, dir, threads, ...whileRunning });
  if (built.kind === "problem") throw new Error(JSON.stringify(built.problem));
  const { count, failures } = built.value;
  built.value.close();
  return { count, failed: failures.length, built: built.value.built, reused: built.value.reused };
}

async function serve(request) {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const more =
    request.work === "cache"
      ? await cache(request)
      : request.work === "index"
        ? { index: (await buildIndex({ ...request, ...whileRunning })).kind }
        : request.work === "headers"
          ? await readHeaders(request)
          : await (request.threads === undefined ? doAll(request) : share(request));
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1e3, ...more };
}

if (isMainThread) {
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await serve(JSON.parse(line))));
  process.exit(0);
} else {
  parentPort.on("message", (task) => parentPort.postMessage(doAll(task) ?? "done"));
}
