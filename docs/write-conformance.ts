// What Ichor decodes, proven against other people's decoders: docs/conformance.md. Needs Debian's dcmtk, libgdcm-tools,
// python3-gdcm and python3-pydicom.
// npm run conformance
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../src/base/index.ts";
import { makeFiles, noEncoders, type OracleFile, oracleFrame, readFiles } from "../src/dicom/codec-oracle.test.ts";
import { encapsulatedFile } from "../src/dicom/encapsulated-fixture.test.ts";
import { readFrameBy } from "../src/dicom/frame.ts";
import { byDcmjs, byOpenjph, elementsOf, makePicture } from "../src/dicom/htj2k-fixture.test.ts";
import { codecs, loadCodecs, nameTransferSyntax, readHeader, transferSyntaxes } from "../src/dicom/index.ts";

/** A file, what it holds, and how far a codec may be from it. */
interface Sample {
  readonly path: string;
  readonly syntax: string;
  readonly image: string;
  readonly encoder: string;
  readonly oracle: string;
  readonly frames: readonly Int32Array[];
}

if (noEncoders) throw new Error(noEncoders);
const folder = mkdtempSync(join(tmpdir(), "ichor-conformance-"));
await loadCodecs();
mkdirSync(join(folder, "made"));
const { tools, files } = makeFiles(join(folder, "made"));
const samples = [...files.map(sampleOf), ...(await highThroughput())];
writeFileSync(new URL("./conformance.md", import.meta.url), page());
rmSync(folder, { recursive: true });

function sampleOf(file: OracleFile): Sample {
  const frames = Array.from({ length: file.shape[0] }, (_, frame) => oracleFrame(file, frame));
  return { ...file, path: join(folder, "made", file.file), frames };
}

/** HTJ2K, which no Debian package writes into DICOM: two encoders, each read by both decoders. */
async function highThroughput(): Promise<readonly Sample[]> {
  const made: Sample[] = [];
  const pictures = { u8: [8, "unsigned"], u12: [12, "unsigned"], s12: [12, "signed"], s13: [13, "signed"] } as const;
  const wide = { s16: [16, "signed"], u16: [16, "unsigned"] } as const;
  const orders = { "1.2.840.10008.1.2.4.201": "LRCP", "1.2.840.10008.1.2.4.202": "RPCL" } as const;
  for (const [syntax, order] of Object.entries(orders)) {
    for (const [image, [bits, sign]] of Object.entries({ ...pictures, ...wide })) {
      for (const [encoder, encode] of Object.entries({ "codec-openjph": byOpenjph, "dcmjs-codecs": byDcmjs })) {
        const picture = makePicture(bits, sign);
        const stream = await encode(picture, { lossy: "lossless", order });
        const path = join(folder, `${made.length}.dcm`);
        writeFileSync(path, encapsulatedFile(elementsOf(picture), { syntax, fragments: [stream] }));
        made.push({ path, syntax, image, encoder, oracle: "the source", frames: [picture.values] });
      }
    }
  }
  return made;
}

/** The greatest difference of a codec's values from the oracle's, or that it does not take such streams. */
function judge({ path, frames }: Sample, codec: string): number | "not taken" | "failed" {
  const header = must(readHeader(path));
  let most = 0;
  for (const [frame, wanted] of frames.entries()) {
    const read = readFrameBy(path, header, { frame, codec });
    if (read.kind === "problem") return read.problem.kind === "transfer syntax" ? "not taken" : "failed";
    for (const [index, value] of wanted.entries()) {
      most = Math.max(most, Math.abs((value - read.value.values[index]!) | 0)); // 32 bits without sign wrap in the oracle's
    }
  }
  return most;
}

function verdict(own: readonly Sample[], codec: string): string {
  const judged = own.map((sample) => judge(sample, codec));
  if (judged.every((one) => one === "not taken")) return `${codec} not taken`;
  if (judged.every((one) => one === 0)) return `${codec} **exact**`;
  return `${codec} ${[...new Set(judged)].map((one) => (typeof one === "number" ? `off by ${one}` : one)).join(", ")}`;
}

/** A row for each syntax, images of the same result together. */
function rows(): string[] {
  return Object.keys(codecs).flatMap((uid) => {
    const own = samples.filter(({ syntax }) => syntax === uid);
    const images = new Map<string, string[]>();
    for (const image of new Set(own.map((sample) => sample.image))) {
      const group = own.filter((sample) => sample.image === image);
      const names = codecs[uid]?.codecs.map(({ name }) => verdict(group, name)) ?? [];
      const encoders = sorted(group.map(({ encoder }) => `\`${encoder}\``));
      const rest = [encoders, names.join("; "), sorted(group.map(({ oracle }) => oracle))].join(" | ");
      images.set(rest, [...(images.get(rest) ?? []), image]);
    }
    const name = `\`${uid.replace("1.2.840.10008.1.2", "…")}\` ${transferSyntaxes[uid]?.name}`;
    return Array.from(images, ([rest, same]) => `| ${name} | ${same.join(", ")} | ${rest} |`);
  });
}

function sorted(names: readonly string[]): string {
  return [...new Set(names)].sort().join(", ");
}

/** pydicom's own files: how many of those that it decodes to grey values are the same here. */
function pydicomsOwn(): string {
  const root = "/usr/lib/python3/dist-packages/pydicom/data/test_files";
  const all = Object.keys(readFiles(root)).length;
  return `Of pydicom's own test files it decodes ${all} to grey values; ${all - 1} are the same here, frame by frame, and the
test holds them. The other, \`JPEG2000-embedded-sequence-delimiter.dcm\`, claims 4,292,730,882 tiles: GDCM says so and
answers memory that it never wrote, Ichor refuses it.`;
}

function page(): string {
  const packages = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const used = new Set(Object.values(codecs).flatMap((row) => row.codecs.map(({ from }) => from)));
  const versions = Object.entries(packages.dependencies).filter(([name]) => used.has(name));
  const refused = Object.keys(transferSyntaxes).filter((uid) => codecs[uid] === undefined);
  return `<!-- Written by npm run conformance; do not edit. -->
# Conformance: transfer syntaxes

What Ichor reads, from ${samples.length} files that the command makes and decodes by every codec of the table
\`codecs\` (src/dicom/codecs.ts). Encoders and oracles: ${Object.entries(tools)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ")}. Codecs: ${versions.map(([name, version]) => `\`${name}\` ${version}`).join(", ")}, and Ichor's own.
${samples.length - files.length} of the files, HTJ2K, are made by the encoders of two of these packages, since no Debian package writes
them. Smaller ones of the same tools are committed (src/dicom/fixtures), so that a machine without the tools tests every
syntax too. The tests hold the table (src/dicom/codecs.test.ts, htj2k.test.ts).

- Images: \`u12\` is 12 bits stored without sign, \`s12\` with sign, in cells of 16; \`u8in16\` is 8 bits in 16; \`full\`
  jumps between −32768 and 32767; \`x3\` has three frames. Waves with noise, 33 × 41 pixels, that reach both ends.
- "exact": every stored value of every frame equals the oracle's, lossy syntaxes too. "not taken": the codec leaves such
  streams to the next. The first codec that is there and takes the stream is used.
- An oracle "the source and pydicom" means that the encoder is lossless and pydicom (with GDCM) agrees too; for lossy
  files the decoders named agree with each other.
- Values of lossy streams of more bits than BitsStored are cut to its range (pydicom leaves them; masked, they would wrap).
- \`u32\` has no row in big endian: DCMTK swaps its halves (words of 16 bits), pydicom its four bytes, as Ichor does.
- Near-lossless JPEG-LS codes signed pixels as unsigned, so that errors wrap at ±32768 in every decoder; here as there.

| transfer syntax | image | encoders | codecs | oracle |
| --- | --- | --- | --- | --- |
${rows().join("\n")}

\`1.2.840.10008.1.2\` is written as …. Lossy HTJ2K (\`….4.203\`) is tested between two encoders and two
decoders, which are at most 1 apart. JPEG 2000 whose sign differs from the header's is read as pydicom reads it.

${pydicomsOwn()}

## Refused

Colour (SamplesPerPixel other than 1) and cells of 1 or 64 bits are refused as "pixel layout". A stream that does not reach
its end is "truncated"; one of another size, kind or depth than its header says, or that its decoder complains of, is
"damaged pixel data". JPEG of the hierarchical and arithmetic processes, JPEG and JPEG-LS of more than 16 bits and JPEG
2000 of more than 16 are refused by name, as are files of these syntaxes:

${refused.map((uid) => `- ${nameTransferSyntax(uid)}`).join("\n")}
`;
}
