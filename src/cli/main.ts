#!/usr/bin/env node
import { commands } from "./declarations.ts";
import { start } from "./start.ts";

await start(commands, process.argv.slice(2));
