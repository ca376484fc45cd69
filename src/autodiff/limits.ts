const recurrence = "no sequence_lens or clip, layout 0, a sequence of known length, Relu, Sigmoid or Tanh";

/** What a rule asks of its node beyond ONNX, in the words of docs/operators.md; a node that does not keep it is an error. */
export const limits: Readonly<Record<string, string>> = {
  Clip: "low ≤ high",
  Dropout: "out of training; training programs write its masks",
  Einsum: "no index twice in one operand",
  GRU: recurrence,
  LSTM: recurrence,
  Pad: "constant pads",
  RNN: recurrence,
  Resize: "constant scales or sizes; not tf_crop_and_resize",
  ScatterElements: "reduction none or add",
  ScatterND: "reduction none or add",
  Slice: "constant starts, axes and steps",
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"].map((kind) => [
      `Reduce${kind}`,
      "constant axes",
    ]),
  ),
};
