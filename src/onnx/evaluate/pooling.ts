import { shaped } from "../../base/index.ts";
import { arrayAt, type Evaluations } from "./evaluation.ts";

/** Poolings. */
export const pooling: Evaluations = {
  // y_c = mean x_c
  GlobalAveragePool: (call) => {
    const { data, shape } = arrayAt(call, 0);
    const [n, channels] = shape as [number, number];
    const area = data.length / (n * channels);
    const mean = (plane: number) => {
      let sum = 0;
      for (let index = 0; index < area; index++) sum += Number(data[plane * area + index]);
      return sum / area;
    };
    return [
      shaped(
        Float64Array.from({ length: n * channels }, (_, plane) => mean(plane)),
        shape.map((length, axis) => (axis < 2 ? length : 1)),
      ),
    ];
  },
};
