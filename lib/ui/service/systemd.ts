import { posix } from "node:path";
import { type ServicePlan, type ServiceSetup, shellWord, systemHome } from "./service_plan.ts";

/** The user of a system service; systemd-sysusers creates it. */
const USER = "peer";
/** Files and sockets open at once: a peer of many torrents has thousands of connections. */
const MAX_OPEN_FILES = 65_536;
/** Takes away rights that the program does not need. Memory both writable and executable is allowed: V8 compiles. */
const HARDENING = [
  "NoNewPrivileges=yes",
  "CapabilityBoundingSet=",
  "LockPersonality=yes",
  "PrivateDevices=yes",
  "PrivateTmp=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectSystem=strict",
  // AF_NETLINK serves for the list of network interfaces.
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
];
/** The folders of users, which a system service sees only if it works in one of them. */
const USERS = /^\/(home|root|run\/user)(\/|$)/;

/** The plan of a unit of systemd. A user's unit lies in the service's own folder, and systemd makes a link to it. */
export function systemdPlan(setup: ServiceSetup): ServicePlan {
  return setup.isSystem ? systemPlan(setup) : userPlan(setup);
}

function userPlan(setup: ServiceSetup): ServicePlan {
  const path = posix.join(setup.home, "service", "peer.service");
  return {
    files: [{ path, text: unit(setup, [], ["NoNewPrivileges=yes"], "default.target") }],
    enable: `systemctl --user enable --now ${shellWord(path)}`,
    disable: "systemctl --user disable --now peer.service",
    look: "systemctl --user status peer.service",
  };
}

function systemPlan(setup: ServiceSetup): ServicePlan {
  const { home, program } = setup;
  const isOwnFolder = home === systemHome("linux");
  const service = [
    `User=${USER}`,
    ...(isOwnFolder
      ? ["StateDirectory=peer", "StateDirectoryMode=0755"]
      : [`ReadWritePaths=${quoted(home, false)}`]),
    ...([home, program[0]].some((path) => USERS.test(path)) ? [] : ["ProtectHome=yes"]),
    ...HARDENING,
  ];
  const start = ["Wants=network-online.target", "After=network-online.target"];
  return {
    files: [
      {
        path: "/etc/sysusers.d/peer.conf",
        text: `u ${USER} - "shares files on the local network" ${systemHome("linux")}\n`,
      },
      { path: "/etc/systemd/system/peer.service", text: unit(setup, start, service, "multi-user.target") },
    ],
    enable: "systemd-sysusers peer.conf && systemctl daemon-reload && systemctl enable --now peer.service",
    disable: "systemctl disable --now peer.service",
    look: "systemctl status peer.service",
  };
}

function unit(
  { program, args, home }: ServiceSetup,
  start: readonly string[],
  service: readonly string[],
  target: string,
): string {
  const [path, ...words] = [...program, ...args];
  return [
    "[Unit]",
    "Description=peer, shares files on the local network",
    ...start,
    "",
    "[Service]",
    "Type=notify",
    // A Deno task starts the program as a child process.
    `NotifyAccess=${program.length > 1 ? "all" : "main"}`,
    `ExecStart=${[quoted(path, false), ...words.map((word) => quoted(word, true))].join(" ")}`,
    `WorkingDirectory=-${home.replaceAll("%", "%%")}`,
    "Restart=on-failure",
    "RestartSec=5",
    // These codes stand for a wrong command line and for bad input, which another try does not mend.
    "RestartPreventExitStatus=2 3",
    "TimeoutStopSec=30",
    `LimitNOFILE=${MAX_OPEN_FILES}`,
    ...service,
    "",
    "[Install]",
    `WantedBy=${target}`,
    "",
  ].join("\n");
}

/** A word of a unit file in quotes; `isArgument` says whether systemd replaces variables in it. */
function quoted(word: string, isArgument: boolean): string {
  const escaped = word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%");
  return `"${isArgument ? escaped.replaceAll("$", "$$$$") : escaped}"`;
}
