/** Inputs and Python's answers to them: ../twin_cases.py writes the file. */
import { readFileSync } from "node:fs";

export const CASES = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
