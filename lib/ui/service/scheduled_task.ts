import { win32 } from "node:path";
import { type ServicePlan, type ServiceSetup, xmlText } from "./service_plan.ts";

/** The account of a service for the whole machine: "Local Service", which has few rights. */
const LOCAL_SERVICE = "S-1-5-19";
const SCHEMA = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/** The plan of a task of Windows' scheduler, which starts with the machine or when the user logs on. */
export function scheduledTaskPlan(setup: ServiceSetup): ServicePlan {
  const { home, isSystem } = setup;
  const path = win32.join(home, "service", "peer.xml");
  const create = `schtasks /Create /F /TN peer /XML "${path}"`;
  // A backslash before the quote, as a drive has it, would be read as a part of the word.
  const folder = home.replace(/\\+$/, "$&$&");
  const mayWrite = `icacls "${folder}" /grant *${LOCAL_SERVICE}:(OI)(CI)M`;
  return {
    files: [{ path, text: taskXml(setup), isUtf16: true }],
    enable: `${isSystem ? `${mayWrite} && ` : ""}${create} && schtasks /Run /TN peer`,
    disable: "schtasks /End /TN peer & schtasks /Delete /F /TN peer",
    look: "schtasks /Query /V /FO LIST /TN peer",
  };
}

function taskXml({ program, args, home, isSystem }: ServiceSetup): string {
  const [command, ...words] = [...program, ...args];
  const tag = (name: string, text: string) => `<${name}>${xmlText(text)}</${name}>`;
  const principal = isSystem
    ? tag("UserId", LOCAL_SERVICE) + tag("RunLevel", "LeastPrivilege")
    : tag("LogonType", "InteractiveToken") + tag("RunLevel", "LeastPrivilege");
  return [
    `<?xml version="1.0" encoding="UTF-16"?>`,
    `<Task version="1.2" xmlns="${SCHEMA}">`,
    `  <RegistrationInfo>${tag("Description", "peer, shares files on the local network")}</RegistrationInfo>`,
    `  <Triggers>${isSystem ? "<BootTrigger/>" : "<LogonTrigger/>"}</Triggers>`,
    `  <Principals><Principal id="Author">${principal}</Principal></Principals>`,
    "  <Settings>",
    `    ${tag("MultipleInstancesPolicy", "IgnoreNew")}`,
    `    ${tag("DisallowStartIfOnBatteries", "false")}`,
    `    ${tag("StopIfGoingOnBatteries", "false")}`,
    `    ${tag("StartWhenAvailable", "true")}`,
    `    ${tag("ExecutionTimeLimit", "PT0S")}`,
    // With priority 7, the default of tasks, every other program would get the disk first.
    `    ${tag("Priority", "5")}`,
    `    <RestartOnFailure>${tag("Interval", "PT1M")}${tag("Count", "255")}</RestartOnFailure>`,
    "  </Settings>",
    `  <Actions Context="Author">`,
    "    <Exec>",
    `      ${tag("Command", command)}`,
    `      ${tag("Arguments", words.map(windowsWord).join(" "))}`,
    `      ${tag("WorkingDirectory", home)}`,
    "    </Exec>",
    "  </Actions>",
    "</Task>",
    "",
  ].join("\r\n");
}

/** A word of a command line in the quotes that programs on Windows expect. */
export function windowsWord(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word;
  return `"${
    word.replace(/(\\*)("|$)/g, (_, slashes: string, end: string) => slashes + slashes + (end && `\\${end}`))
  }"`;
}
