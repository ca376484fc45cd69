export { type BleedType, bleeds } from "./bleeds.ts";
export { makePhantom, type PhantomOptions, type PhantomSummary } from "./make-phantom.ts";
export { visibleMm2 } from "./study.ts";
export { tissueHu } from "./tissue.ts";
