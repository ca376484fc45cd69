import assert from "node:assert/strict";
import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Preprocessing } from "../ct/index.ts";
import makeShard, { type ShardTask } from "./cache-worker.ts";
import { dicomSlice, folderOf, newFolder, seriesFiles } from "./folder-fixture.test.ts";
import type { ShardFile } from "./shard.ts";

const frames = 4;
const enhancedCt = "1.2.840.10008.5.1.4.1.1.2.1";

/** Slices; a file of several frames and 8 MB, more than is read ahead of one; a slice that is cut off. */
function dataFolder(): { readonly root: string; readonly files: readonly ShardFile[] } {
  const [rows, columns] = [1024, 1024];
  const many = dicomSlice({
    ...{ PatientID: "m", SOPClassUID: enhancedCt, NumberOfFrames: frames, Rows: rows, Columns: columns },
    SharedFunctionalGroupsSequence: [{ PlaneOrientationSequence: [{ ImageOrientationPatient: [1, 0, 0, 0, 1, 0] }] }],
    PerFrameFunctionalGroupsSequence: Array.from({ length: frames }, (_, frame) => ({
      PlanePositionSequence: [{ ImagePositionPatient: [0, 0, frame] }],
      PixelValueTransformationSequence: [{ RescaleIntercept: -1024, RescaleSlope: 1, RescaleType: "HU" }],
    })),
    PixelData: Int16Array.from({ length: frames * rows * columns }, (_, at) => (at % 1999) + ((at >> 20) << 3)),
  });
  const root = folderOf({ ...seriesFiles("train", "a", 4), ...seriesFiles("train", "b", 2), "many.dcm": many });
  truncateSync(join(root, "train/ID_bx1.dcm"), 300);
  const file = (path: string, frame = 0): ShardFile => {
    const { size, mtimeMs } = statSync(join(root, path));
    return { path, frame, sizeBytes: size, mtimeMs, shiftMm: [0, 0] };
  };
  const slices = [0, 1, 2, 3].map((slice) => file(`train/ID_ax${slice}.dcm`));
  const ofMany = Array.from({ length: frames }, (_, frame) => file("many.dcm", frame));
  return { root, files: [...slices, ...ofMany, file("train/ID_bx1.dcm"), file("train/ID_bx0.dcm"), ...slices] };
}

test("a shard of files that come from a disk is that of the same files in memory", async () => {
  const { root, files } = dataFolder();
  for (const values of ["hu", "stored"] as const) {
    const preprocessing: Preprocessing = { values, size: 8, fieldOfViewMm: "image" };
    const shardOf = async (from: ShardTask["from"]) => {
      const answer = await makeShard({ dir: newFolder(), shard: 0, root, files, from, preprocessing });
      assert.equal(answer.kind, "whole");
      return answer;
    };
    const [disk, memory] = [await shardOf("disk"), await shardOf("memory")];
    assert.deepEqual(disk, memory);
    assert.equal(disk.kind === "whole" && new Set(disk.sidecar.pixelHashes).size, 4 + frames + 1 + 1);
    assert.deepEqual(disk.kind === "whole" && disk.sidecar.failures.map(({ slice }) => slice), [4 + frames]);
  }
});
