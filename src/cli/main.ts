#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=67108864 GLIBC_TUNABLES=glibc.malloc.hugetlb=1 node
import { commands } from "./declarations.ts";
import { start } from "./start.ts";

await start(commands, process.argv.slice(2));
