// A disk that fails, for a command in a process of its own: `node --import ./failing-disk.mjs …`, with the faults as JSON
// in the environment. Node's file functions then say of these paths what the system would say. No TypeScript, since
// worker threads load it before they can read that. A fault is {path, call, code}: a path's end, one of the system's
// errors, and what fails: "open", "read", "list", "stat", "half" (to read behind the middle of a file; with the code "END"
// the file ends there, as one that is cut off meanwhile), "full" (to write it), "write" (to ask for leave to write there) or
// "all", which is everything at and below a path.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const faults = JSON.parse(process.env.ICHOR_TEST_DISK_FAULTS ?? "[]");
const { accessSync, openSync, readSync, readdirSync, statSync, fstatSync, writeSync, writeFileSync } = fs;
const paths = new Map();

function faultOf(path, ...calls) {
  return faults.find((fault) =>
    fault.call === "all"
      ? `${path}/`.includes(`${fault.path}/`)
      : calls.includes(fault.call) &&
        (fault.call === "full" ? `${path}`.includes(fault.path) : `${path}`.endsWith(fault.path)),
  );
}

function refuse(fault) {
  if (fault !== undefined) throw Object.assign(new Error(`${fault.code}: simulated`), { code: fault.code });
}

Object.assign(fs, {
  openSync(path, ...rest) {
    refuse(faultOf(path, "open"));
    const descriptor = openSync(path, ...rest);
    paths.set(descriptor, path);
    return descriptor;
  },
  readdirSync(path, ...rest) {
    refuse(faultOf(path, "list"));
    return readdirSync(path, ...rest);
  },
  statSync(path, ...rest) {
    refuse(faultOf(path, "stat"));
    return statSync(path, ...rest);
  },
  accessSync(path, ...rest) {
    refuse(faultOf(path, "write"));
    return accessSync(path, ...rest);
  },
  writeSync(descriptor, ...rest) {
    refuse(faultOf(paths.get(descriptor) ?? "", "full"));
    return writeSync(descriptor, ...rest);
  },
  writeFileSync(path, bytes, ...rest) {
    const fault = faultOf(path, "full");
    writeFileSync(path, fault === undefined ? bytes : bytes.subarray(0, 1), ...rest);
    refuse(fault);
  },
  readSync(descriptor, target, from, length, at) {
    const fault = faultOf(paths.get(descriptor) ?? "", "read", "half");
    if (fault?.call !== "half") {
      refuse(fault);
      return readSync(descriptor, target, from, length, at);
    }
    const middle = Math.floor(fstatSync(descriptor).size / 2);
    if (at >= middle && fault.code === "END") return 0;
    if (at >= middle) refuse(fault);
    return readSync(descriptor, target, from, Math.min(length, middle - at), at);
  },
});
syncBuiltinESMExports();
