import { openNative } from "./executor-node.ts";
import type { ExecutorRow } from "./executor-port.ts";
import { inNode, openWeb } from "./executor-web.ts";
import { fitWebgpu } from "./fit-webgpu.ts";

const runHere = "leave the provider out: the processor does the same work";

/** One row a provider. Native providers other than cpu take what they have kernels for; the processor does the rest. */
export const executors = {
  cpu: {
    what: "this processor, native",
    needs: "Node on Linux, macOS or Windows (x64 or arm64), for which onnxruntime-node has a build",
    next: "take provider wasm",
    open: openNative,
  },
  cuda: {
    what: "an NVIDIA GPU",
    needs: "Linux on x64, an NVIDIA GPU with driver, CUDA 12 and cuDNN, and ONNX Runtime's CUDA library",
    next: `fetch the library (node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install), or ${runHere}`,
    open: openNative,
  },
  tensorrt: {
    what: "an NVIDIA GPU through TensorRT",
    needs: "what cuda needs, and TensorRT",
    next: `try provider cuda, or ${runHere}`,
    open: openNative,
  },
  webgpu: {
    what: "any GPU through WebGPU: Vulkan, Metal or Direct3D 12",
    needs: inNode ? "a GPU with its driver; on Linux Vulkan's loader too" : "a browser that offers navigator.gpu",
    next: inNode ? `install the driver and libvulkan1, or ${runHere}` : "take provider wasm, or another browser",
    open: inNode ? openNative : openWeb,
    fit: fitWebgpu,
  },
  coreml: {
    what: "Apple's processors through Core ML",
    needs: "macOS",
    next: runHere,
    open: openNative,
  },
  dml: {
    what: "any GPU of Windows through DirectML",
    needs: "Windows",
    next: runHere,
    open: openNative,
  },
  wasm: {
    what: "WebAssembly: everywhere, slower than native",
    needs: "the package onnxruntime-web",
    next: "npm install onnxruntime-web",
    open: openWeb,
  },
} as const satisfies Readonly<Record<string, ExecutorRow>>;
