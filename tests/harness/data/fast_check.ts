/** fast-check, which makes values of all shapes. Tests that use it need `fast-check`, and make their values inside. */
import { importPackage } from "../processes/require_tool.ts";

const { default: fc } = await importPackage("fast-check", () => import("fast-check"));

export { fc };
export type { Arbitrary } from "fast-check";
