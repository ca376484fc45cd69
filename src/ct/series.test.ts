import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceRules } from "./series-choice.ts";
import type { SeriesSlice } from "./series-facts.ts";
import { kernelSharpness } from "./series-kernels.ts";
import { seriesRules } from "./series-rules.ts";
import { chooseSeries, type SeriesChoice } from "./series-study.ts";

const axial = [1, 0, 0, 0, 1, 0] as const;
const coronal = [1, 0, 0, 0, 0, -1] as const;
const sagittal = [0, 1, 0, 0, 0, -1] as const;

/** What the competition's headers say: where a slice lies, and nothing of how it was made. */
const scarce: Omit<SeriesSlice, "sliceId" | "position"> = {
  orientation: axial,
  rows: 512,
  columns: 512,
  pixelSpacing: [0.488281, 0.488281],
  sliceThicknessMm: undefined,
  kernel: undefined,
  imageType: [],
  seriesDescription: undefined,
  bodyPart: undefined,
  contrast: "unknown",
  acquisition: undefined,
  seriesNumber: undefined,
  instanceNumber: undefined,
};

/** A series that a hospital would send to be read for hemorrhage. */
const plain: typeof scarce = {
  ...scarce,
  sliceThicknessMm: 5,
  kernel: "H31s",
  imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
  seriesDescription: "Head w/o 5.0",
  bodyPart: "HEAD",
  contrast: "no",
  acquisition: 1,
  seriesNumber: 2,
};

interface Shape extends Partial<SeriesSlice> {
  readonly count?: number;
  readonly stepMm?: number;
  readonly base?: typeof scarce;
}

/** `count` slices of one series, `stepMm` apart along the axis that their orientation leaves. */
function slicesOf(uid: string, { count = 32, stepMm = 5, base = plain, ...changes }: Shape = {}): SeriesSlice[] {
  const { orientation } = { ...base, ...changes };
  return Array.from({ length: count }, (_, index) => {
    const way = index * stepMm;
    const position =
      orientation === coronal
        ? ([-125, way, 125] as const)
        : orientation === sagittal
          ? ([way, -125, 125] as const)
          : ([-125, -125, way] as const);
    return { ...base, sliceId: `${uid}.${index}`, position, ...changes };
  });
}

const choose = (
  series: Readonly<Record<string, Shape | readonly SeriesSlice[]>>,
  isKept?: (s: SeriesSlice) => boolean,
) =>
  chooseSeries(
    Object.entries(series).map(([uid, shape]) => ({
      uid,
      slices: Array.isArray(shape) ? (shape as readonly SeriesSlice[]) : slicesOf(uid, shape as Shape),
    })),
    isKept,
  );

/** Each series with its fate: "1 chosen", "2 series not chosen: thinner: …". */
const fates = ({ verdicts }: SeriesChoice<SeriesSlice>) =>
  Object.fromEntries(
    verdicts.map(({ uid, status, kind, detail }) => [uid, kind === "" ? status : `${kind}: ${detail}`]),
  );

/** A header set for each reason to set a series aside, and what the ledger says of it. */
const others: readonly (readonly [kind: string, detail: string, Shape])[] = [
  ["localizer", "ImageType says LOCALIZER", { count: 1, imageType: ["ORIGINAL", "PRIMARY", "LOCALIZER"] }],
  ["localizer", "the description says TOPOGRAM", { count: 1, seriesDescription: "Topogram 0.6 T20f" }],
  ["localizer", "2 sagittal slices", { count: 2, orientation: sagittal, base: scarce }],
  ["dose report", "ImageType says SCREEN SAVE", { count: 1, imageType: ["DERIVED", "SECONDARY", "SCREEN SAVE"] }],
  ["dose report", "the description says PATIENT PROTOCOL", { count: 1, seriesDescription: "Patient Protocol" }],
  ["bolus tracking", "the description says PREMONITORING", { count: 1, seriesDescription: "PreMonitoring 10.0" }],
  ["perfusion", "the description says VPCT", { seriesDescription: "VPCT Head 5.0" }],
  ["perfusion", "ImageType says CBF", { imageType: ["DERIVED", "SECONDARY", "CBF"] }],
  ["projection", "the description says MIP", { seriesDescription: "Head AX MIP 10/3" }],
  ["projection", "ImageType says PROJECTION IMAGE", { imageType: ["DERIVED", "SECONDARY", "PROJECTION IMAGE"] }],
  ["material map", "the description says IODINE", { seriesDescription: "Iodine map head" }],
  ["angiography", "the description says CTA", { seriesDescription: "CTA Head/Neck 0.75", contrast: "yes" }],
  ["reformat", "coronal by its orientation", { orientation: coronal, count: 40 }],
  ["reformat", "sagittal by its orientation", { orientation: sagittal, base: scarce }],
  ["reformat", "the description says coronal", { orientation: undefined, seriesDescription: "Head COR 3.0" }],
  ["not a head", "the description says neck", { seriesDescription: "C-Spine 2.0", bodyPart: "HEAD" }],
  ["not a head", "BodyPartExamined says chest", { seriesDescription: "5.0 mm", bodyPart: "CHEST" }],
  ["not a head", "the description says face or sinuses", { seriesDescription: "Sinus AX 3.0" }],
  ["not a head", "the description says temporal bone", { seriesDescription: "IAC left" }],
  ["not a head", "495 mm long along its normal", { count: 100, base: scarce }],
  ["bone kernel", "kernel H60s", { kernel: "H60s" }],
  ["bone kernel", "kernel BONEPLUS", { kernel: "BONEPLUS", seriesDescription: "Head thin" }],
  ["bone kernel", "the description says bone", { kernel: undefined, seriesDescription: "Head Bone 2.5" }],
];

for (const [kind, detail, shape] of others) {
  test(`series: ${kind}, as ${detail}`, () => {
    assert.deepEqual(fates(choose({ whole: {}, other: shape })), { whole: "chosen", other: `${kind}: ${detail}` });
    const alone = choose({ other: shape });
    assert.deepEqual(fates(alone), { other: `${kind}: ${detail}` });
    assert.equal(alone.setAside.length, shape.count ?? 32);
  });
}

test("series: a series that is repeated in time is a perfusion, whatever it is called", () => {
  const repeated = slicesOf("p", { count: 120, base: scarce }).map((slice, index) => {
    return { ...slice, position: [-125, -125, 10 * (index % 8)] as const };
  });
  assert.deepEqual(fates(choose({ p: repeated })), { p: "perfusion: 120 slices at 8 positions" });
});

test("series: every rule has its case", () => {
  const tried = new Set(others.map(([kind]) => kind));
  assert.deepEqual(
    seriesRules.map(({ kind }) => kind).filter((kind) => !tried.has(kind)),
    [],
  );
});

/** A series that loses against the plain one, and by which words. */
const losers: readonly (readonly [rule: string, words: string, Shape])[] = [
  ["coverage", "covers less: 45 mm against 155 mm", { count: 10 }],
  ["view", "shows less: 120 mm against 250 mm", { rows: 240, columns: 240, pixelSpacing: [0.5, 0.5] }],
  ["head", "is not said to show a head, as the other is", { seriesDescription: "5.0 mm", bodyPart: undefined }],
  ["plain", "with contrast agent", { contrast: "yes" }],
  ["plain", "with contrast agent", { contrast: "unknown", seriesDescription: "Head + C" }],
  ["kernel", "sharper or unknown kernel: H50s against H31s", { kernel: "H50s", count: 60, stepMm: 3 }],
  ["thickness", "thinner: 0.6 mm against 5 mm", { sliceThicknessMm: 0.6, stepMm: 0.6, count: 260 }],
  ["thickness", "thicker: 10 mm against 5 mm", { sliceThicknessMm: 10, stepMm: 10, count: 16 }],
  [
    "original",
    "computed from other slices: ImageType says DERIVED",
    { imageType: ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"], count: 40 },
  ],
  ["positions", "fewer positions: 31 against 32", { count: 31 }],
  ["number", "equal in all else, series number 7 after 2", { seriesNumber: 7 }],
];

for (const [rule, words, shape] of losers) {
  test(`series: by ${rule} one is not chosen: ${words}`, () => {
    const expected = { whole: "chosen", a: `series not chosen: ${words}` };
    assert.deepEqual(fates(choose({ a: shape, whole: {} })), expected);
    assert.deepEqual(fates(choose({ whole: {}, a: shape })), expected);
  });
}

test("series: gaps, then the number of slices, then the UID decide between what is equal otherwise", () => {
  const gapped = slicesOf("gapped").map((slice, index) =>
    index < 16 ? slice : { ...slice, position: [-125, -125, index * 5 + 5] as const },
  );
  assert.deepEqual(fates(choose({ gapped, whole: {} })), {
    whole: "chosen",
    gapped: "series not chosen: more gaps: 1 against 0",
  });
  const pair = [...slicesOf("pair"), { ...slicesOf("pair")[3]!, sliceId: "pair.again" }];
  assert.deepEqual(fates(choose({ whole: {}, pair })), {
    pair: "chosen",
    whole: "series not chosen: fewer slices: 32 against 33",
  });
  assert.deepEqual(fates(choose({ b: {}, a: {} })), {
    a: "chosen",
    b: "series not chosen: equal in all, its UID comes later",
  });
});

test("series: of ImageType and kernel no more is told than the words that a rule knows", () => {
  const of = (shape: Shape) => fates(choose({ a: shape, whole: {} }))["a"];
  const name = "DOE^JANE";
  assert.equal(of({ imageType: ["DERIVED", `${name} IODINE ${name}`] }), "material map: ImageType says IODINE");
  assert.equal(of({ kernel: `BONE ${name}` }), "bone kernel: kernel BONE");
  assert.equal(of({ kernel: `${name} lungs` }), "bone kernel: kernel lung");
  assert.match(of({ kernel: name }) ?? "", /sharper or unknown kernel: a name of 8 characters against H31s$/);
  assert.match(of({ imageType: ["ORIGINAL", `${name} MPR`] }) ?? "", /computed from other slices: ImageType says MPR$/);
});

test("series: every rule of choice has its case", () => {
  const tried = new Set([...losers.map(([rule]) => rule), "gaps", "slices"]);
  assert.deepEqual(
    choiceRules.map(({ name }) => name).filter((name) => !tried.has(name)),
    [],
  );
});

test("series: headers as scarce as the competition's leave nothing out", () => {
  for (const count of [1, 2, 3, 32, 60]) {
    const { verdicts, setAside } = choose({ s: { base: scarce, count } });
    assert.deepEqual([verdicts[0]?.status, verdicts[0]?.slices.length, setAside], ["chosen", count, []]);
  }
  const pairs = slicesOf("s", { base: scarce, count: 40 }).map((slice, index) => {
    return { ...slice, position: [-125, -125, 5 * (index >> 1)] as const };
  });
  assert.equal(choose({ pairs }).setAside.length, 0);
});

test("series: a head is a head though its words name another part as well", () => {
  for (const [seriesDescription, bodyPart] of [
    ["Head and C-Spine 5.0", "HEAD"],
    ["Brain 5.0", "CHEST"],
    ["5.0 mm", "HEADNECK"],
    ["Trauma", "SKULL"],
  ])
    assert.deepEqual(fates(choose({ s: { seriesDescription, bodyPart } })), { s: "chosen" });
});

test("series: of two planes in one series the axial one is read", () => {
  const mixed = [
    ...slicesOf("s", { orientation: sagittal, count: 2 }),
    ...slicesOf("s.ax"),
    ...slicesOf("s.cor", { orientation: coronal }),
  ];
  const { verdicts, setAside } = choose({ mixed });
  assert.equal(verdicts[0]?.slices.length, 32);
  assert.deepEqual(
    [...new Set(setAside.map(({ kind, detail }) => `${kind}: ${detail}`))],
    ["other plane: sagittal in a series of axial slices", "other plane: coronal in a series of axial slices"],
  );
  assert.equal(setAside.length, 34);
});

test("series: of two acquisitions of one place one is read, the rotations of one scan are one", () => {
  const twice = [
    ...slicesOf("s", { acquisition: 3 }),
    ...slicesOf("s.again", { acquisition: 4, count: 30 }),
    ...slicesOf("s.third", { acquisition: 5 }),
  ];
  const { verdicts, setAside } = choose({ twice });
  assert.deepEqual([verdicts[0]?.slices.length, verdicts[0]?.facts.slices, setAside.length], [32, 32, 62]);
  const [first] = setAside;
  assert.equal(
    `${first?.kind}: ${first?.detail}`,
    "repeated acquisition: acquisition 4 covers the place of acquisition 3",
  );
  const rotations = slicesOf("s").map((slice, index) => ({ ...slice, acquisition: 1 + (index >> 2) }));
  assert.deepEqual(choose({ rotations }).setAside, []);
  const singles = slicesOf("s").map((slice, index) => ({
    ...slice,
    acquisition: index % 2 === 0 ? index : 100 - index,
  }));
  assert.deepEqual(choose({ singles }).setAside, []);
});

test("series: a series with labels is used whole, and the others of its study are not chosen", () => {
  const bone = slicesOf("bone", { kernel: "H70h" });
  const isKept = ({ sliceId }: SeriesSlice) => sliceId === "bone.7";
  const { verdicts, setAside } = choose({ whole: {}, bone }, isKept);
  assert.deepEqual(
    verdicts.map(({ status, detail }) => `${status}: ${detail}`),
    [
      "kept: labelled, although it looks like bone kernel (kernel H70h)",
      "not chosen: another series of the study is kept for its labels",
    ],
  );
  assert.equal(setAside.length, 32);
});

test("series: the choice does not depend on the order of series or files", () => {
  const series = Object.entries({
    thin: { sliceThicknessMm: 1, stepMm: 1, count: 160 },
    bone: { kernel: "FC30" },
    a: {},
    c: {},
  });
  const forwards = choose(Object.fromEntries(series));
  const backwards = choose(
    Object.fromEntries(series.toReversed().map(([uid, shape]) => [uid, slicesOf(uid, shape).toReversed()])),
  );
  assert.deepEqual(fates(forwards), fates(backwards));
  assert.deepEqual(Object.keys(fates(forwards)), ["a", "c", "thin", "bone"]);
});

test("kernels: the makers' names say how sharp they are", () => {
  const named = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, kernelSharpness(name)]));
  const all = (names: string, sharpness: string) =>
    Object.fromEntries(names.split(" ").map((name) => [name, sharpness]));
  for (const [names, sharpness] of [
    [
      "H10s H31s H37f J30s Hr38f Hr40f\\3 B30f Br40d Qr40 I31s STANDARD SOFT STND UB A FC21 FC26 FC64 FC44 FC08",
      "soft",
    ],
    ["H50s Hr49 B50f DETAIL CHEST C UC", "medium"],
    ["H60s H70h J70h Hr60f Hr64 B70f U90u Ur77 BONE BONEPLUS EDGE LUNG YA YB D L FC30 FC31 FC35 FC51 FC81", "sharp"],
    ["FC99 X 42 Foo", "unknown"],
  ] as const) {
    assert.deepEqual(named(names), all(names, sharpness));
  }
  assert.equal(kernelSharpness(undefined), "unknown");
  assert.equal(kernelSharpness("Brain Standard"), "soft");
  assert.equal(kernelSharpness("HD BONE PLUS"), "sharp");
});
