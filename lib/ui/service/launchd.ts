import { posix } from "node:path";
import { type ServicePlan, type ServiceSetup, shellWord, xmlText } from "./service_plan.ts";

const LABEL = "local.peer";
const FILE = `${LABEL}.plist`;
/** The user of a service for the whole machine; every macOS has it, and it owns nothing. */
const USER = "daemon";
const MAX_OPEN_FILES = 65_536;

/** The plan of a job of launchd, on macOS. */
export function launchdPlan(setup: ServiceSetup): ServicePlan {
  const { home, isSystem } = setup;
  const text = plist(setup);
  if (isSystem) {
    const path = `/Library/LaunchDaemons/${FILE}`;
    return {
      files: [{ path, text }],
      enable: `install -d -o ${USER} ${shellWord(home)} && launchctl bootstrap system ${path}`,
      disable: `launchctl bootout system/${LABEL}`,
      look: `launchctl print system/${LABEL}`,
    };
  }
  const path = posix.join(home, "service", FILE);
  const link = `~/Library/LaunchAgents/${FILE}`;
  return {
    files: [{ path, text }],
    enable: `mkdir -p ~/Library/LaunchAgents && cp ${shellWord(path)} ${link} && ` +
      `launchctl bootstrap gui/$(id -u) ${link}`,
    disable: `launchctl bootout gui/$(id -u)/${LABEL}; rm ${link}`,
    look: `launchctl print gui/$(id -u)/${LABEL}`,
  };
}

function plist({ program, args, home, isSystem }: ServiceSetup): string {
  const string = (text: string) => `<string>${xmlText(text)}</string>`;
  const log = string(posix.join(home, "peer.log"));
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`,
    `<plist version="1.0">`,
    "<dict>",
    `  <key>Label</key>${string(LABEL)}`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    ...[...program, ...args].map((word) => `    ${string(word)}`),
    "  </array>",
    ...(isSystem ? [`  <key>UserName</key>${string(USER)}`] : []),
    `  <key>WorkingDirectory</key>${string(home)}`,
    "  <key>RunAtLoad</key><true/>",
    "  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>",
    `  <key>SoftResourceLimits</key><dict><key>NumberOfFiles</key><integer>${MAX_OPEN_FILES}</integer></dict>`,
    `  <key>StandardOutPath</key>${log}`,
    `  <key>StandardErrorPath</key>${log}`,
    "</dict>",
    "</plist>",
    "",
  ].join("\n");
}
