/** The command `fleet`. */
import { Argument, type Command } from "commander";
import { FLEET_ACTIONS, type FleetAction } from "../fleet/fleet_actions.ts";
import { GROUPS } from "../help.ts";
import * as values from "../option_values.ts";
import { type Finish, option, WordOption } from "./option_kinds.ts";
import { withStartOptions } from "./sharing_commands.ts";
import { wordsOf } from "./start_options.ts";

/** Adds the command to the program; a peer that it begins is one of `startCommand`. */
export function addFleetCommand(program: Command, startCommand: Command, finish: Finish): void {
  program.commandsGroup(GROUPS.steer);
  const fleet = program.command("fleet")
    .description("the machines that take what a lead gives them: join, invite, see who is there")
    .addArgument(new Argument("[ACTION]", "what to do").choices(FLEET_ACTIONS).default("list"))
    .argument(
      "[WORDS...]",
      "create NAME; join CODE; trust KEY; distrust LEAD; wake, forget HOST; accept, decline, cancel OFFER",
    )
    .addOption(option("--count <N>", "with invite: how many may join", values.parseCount))
    .addOption(new WordOption("--accept <HOW>", "how to take what leads offer: ", ["ask", "lead"]))
    .addOption(
      option(
        "--quota <SIZE>",
        "what leads may fill: 20G, or half for half of what is free",
        values.parseQuota,
      ),
    )
    .option("--image", "with key: the key that makes a host a member, for disk images; keep it secret")
    .option("--json", "print JSON");
  withStartOptions(fleet).action(async (action: FleetAction, given: string[], options, command: Command) => {
    const words = await wordsOf(command, startCommand);
    const { fleet } = await import("../fleet/fleet_command.ts");
    finish(await fleet(action, given, options, words));
  });
}
