import { floatOf, intOf, intsOf, stringOf } from "./attributes.ts";
import type { Node } from "./graph.ts";

/** What Resize does along one axis. */
export interface ResizedAxis {
  /** Length before. */
  readonly from: number;
  /** Length after. */
  readonly to: number;
  readonly scale: number;
}

/** A Resize node with the numbers of its inputs `scales` and `sizes`; one of them is left out or empty. */
export interface ResizeCall {
  readonly node: Pick<Node, "name" | "attributes">;
  readonly shape: readonly number[];
  readonly scales?: readonly number[] | undefined;
  readonly sizes?: readonly number[] | undefined;
}

/** Every axis of the input in order (ONNX Resize, opset 18 on). */
export function resizedAxes({ node, shape, scales = [], sizes = [] }: ResizeCall): readonly ResizedAxis[] {
  const named = intsOf(
    node.attributes,
    "axes",
    shape.map((_, axis) => axis),
  ).map((axis) => {
    if (axis >= -shape.length && axis < shape.length) return axis < 0 ? axis + shape.length : axis;
    throw new Error(`${node.name}: axis ${axis} of a value with ${shape.length} axes`);
  });
  for (const [what, { length }] of Object.entries({ scales, sizes })) {
    if (length !== 0 && length !== named.length)
      throw new Error(`${node.name}: ${what} has ${length} entries where ${named.length} are wanted`);
  }
  const ratios = named.map((axis, index) => (sizes[index] ?? 0) / shape[axis]!);
  const policy = stringOf(node.attributes, "keep_aspect_ratio_policy", "stretch");
  const common = { not_larger: Math.min(...ratios), not_smaller: Math.max(...ratios) }[policy];
  return shape.map((from, axis) => {
    const index = named.indexOf(axis);
    if (index < 0) return { from, to: from, scale: 1 };
    const given = scales[index];
    if (given !== undefined) return { from, to: Math.floor(from * given), scale: given };
    const to = common === undefined ? sizes[index] : Math.floor(common * from + 0.5);
    if (to === undefined) throw new Error(`${node.name}: Resize has neither scales nor sizes`);
    return { from, to, scale: common ?? to / from };
  });
}

/** Where a place of the output lies among the input's, by `coordinate_transformation_mode`. */
const coordinates: Readonly<Record<string, (place: number, axis: ResizedAxis) => number>> = {
  align_corners: (place, { from, to }) => (to === 1 ? 0 : (place * (from - 1)) / (to - 1)),
  asymmetric: (place, { scale }) => place / scale,
  half_pixel: (place, { scale }) => (place + 0.5) / scale - 0.5,
  half_pixel_symmetric: (place, { from, to, scale }) =>
    (from / 2) * (1 - to / (scale * from)) + (place + 0.5) / scale - 0.5,
  pytorch_half_pixel: (place, { to, scale }) => (to > 1 ? (place + 0.5) / scale - 0.5 : 0),
};

/** The neighbour that mode nearest takes, by `nearest_mode`. */
const nearest: Readonly<Record<string, (x: number) => number>> = {
  ceil: Math.ceil,
  floor: Math.floor,
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
};

/** Weight of a neighbour at a distance, and how far it reaches. */
interface Kernel {
  readonly reach: number;
  readonly weight: (distance: number) => number;
}

/** Catmull-Rom's kind of cubic with parameter a (Keys 1981). */
const cubic = (a: number): Kernel => ({
  reach: 2,
  weight: (distance) => {
    const d = Math.abs(distance);
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  },
});
const linear: Kernel = { reach: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) };

/**
 * The matrix [to, from], row-major, that a Resize node is along an axis: y = M·x. Modes nearest, linear and cubic with
 * every coordinate transformation but `tf_crop_and_resize`, which is an error that names the node.
 */
export function interpolation({ name, attributes }: ResizeCall["node"], axis: ResizedAxis): Float64Array {
  const mode = stringOf(attributes, "mode", "nearest");
  const transformation = stringOf(attributes, "coordinate_transformation_mode", "half_pixel");
  const coordinate = coordinates[transformation];
  if (coordinate === undefined) {
    throw new Error(`${name}: Resize with coordinate_transformation_mode ${transformation} is not known`);
  }
  const smooth = intOf(attributes, "antialias", 0) === 1 && axis.scale < 1;
  const matrix = new Float64Array(axis.to * axis.from);
  const add = (place: number, neighbour: number, weight: number) => {
    matrix[place * axis.from + Math.min(axis.from - 1, Math.max(0, neighbour))]! += weight;
  };
  const round = nearest[stringOf(attributes, "nearest_mode", "round_prefer_floor")];
  const kernel = mode === "cubic" ? cubic(floatOf(attributes, "cubic_coeff_a", -0.75)) : linear;
  const shrink = smooth ? axis.scale : 1; // the kernel grows as the image shrinks
  const inside = (smooth || mode === "cubic") && intOf(attributes, "exclude_outside", 0) === 1;
  for (let place = 0; place < axis.to; place++) {
    const x = coordinate(place, axis);
    if (mode === "nearest") {
      // in float32 as the runtime counts, so that ties fall on the same side
      if (round === undefined) throw new Error(`${name}: Resize has an unknown nearest_mode`);
      add(place, round(Math.fround(x)), 1);
      continue;
    }
    const first = Math.ceil(x - kernel.reach / shrink);
    const neighbours = Array.from({ length: Math.ceil((2 * kernel.reach) / shrink) + 1 }, (_, index) => first + index)
      .filter((at) => !inside || (at >= 0 && at < axis.from))
      .map((at) => ({ at, weight: kernel.weight((at - x) * shrink) }));
    const total = neighbours.reduce((sum, { weight }) => sum + weight, 0); // 1 but for rounding, where all count
    for (const { at, weight } of neighbours) add(place, at, weight / total);
  }
  return matrix;
}
