/** The ports at which others reach a peer. */
export interface ReachedPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

/**
 * The commands that let others through a firewall: a line for each tool of the system, with the tool's name in front.
 *
 * `program` is the path of the executable, by which macOS identifies it.
 */
export function firewallLines(
  os: typeof Deno.build.os,
  { tcp, udp }: ReachedPorts,
  program: string,
): string[] {
  const rules = ([["tcp", tcp], ["udp", udp]] as const).filter(([, ports]) => ports.length > 0);
  if (os === "darwin") {
    const tool = "/usr/libexec/ApplicationFirewall/socketfilterfw";
    return [`macOS: ${tool} --add "${program}" && ${tool} --unblockapp "${program}"`];
  }
  const forEach = (name: string, rule: (protocol: string, ports: readonly number[]) => string) =>
    `${name}: ${rules.map(([protocol, ports]) => rule(protocol, ports)).join(" && ")}`;
  if (os === "windows") {
    return [
      forEach(
        "Windows",
        (protocol, ports) =>
          `netsh advfirewall firewall add rule name=peer dir=in action=allow ` +
          `protocol=${protocol.toUpperCase()} localport=${ports.join(",")}`,
      ),
    ];
  }
  const opened = rules.flatMap(([protocol, ports]) => ports.map((port) => `--add-port=${port}/${protocol}`));
  return [
    forEach("ufw", (protocol, ports) => `ufw allow proto ${protocol} to any port ${ports.join(",")}`),
    `firewalld: firewall-cmd --permanent ${opened.join(" ")} && firewall-cmd --reload`,
    forEach(
      "nftables",
      (protocol, ports) =>
        `nft add rule inet filter input ${protocol} dport '{ ${ports.join(", ")} }' accept`,
    ),
  ];
}
