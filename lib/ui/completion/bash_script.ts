import type { CommandShape, Following } from "./command_shapes.ts";

/** The completions for bash, which need no other package. */
export function bashScript(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name);
  const values = commands.flatMap(({ name, options }) =>
    options.filter(({ value }) => value !== undefined).map(({ long, value }) =>
      `    "${name} ${long}") ${actionFor(value!)}; return ;;`
    )
  );
  const options = commands.map(({ name, options }) =>
    `      ${name}) __peer_words ${options.map(({ long }) => long).join(" ")} --help ;;`
  );
  const args = commands.flatMap(({ name, argument }) =>
    argument === undefined ? [] : [`    ${name}) ${actionFor(argument)} ;;`]
  );
  return `# bash completion for peer: put this into ~/.bashrc:  eval "$(peer completion bash)"
__peer_words() { COMPREPLY+=($(compgen -W "$*" -- "$current")); }
__peer_paths() {
  compopt -o filenames 2>/dev/null
  local path
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -f -- "$current")
}
__peer_torrents() {
  local name
  while IFS= read -r name; do
    [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
  done < <(peer completion torrents "\${home[@]}" 2>/dev/null)
}
__peer() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=start home=() first=1 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    --home) ((++i < COMP_CWORD)) && home=(--home "\${COMP_WORDS[i]}") ;;
    -*) ;;
    ${names.join(" | ")})
      ((first)) && command=\${COMP_WORDS[i]}
      first=0 ;;
    *) first=0 ;;
    esac
  done
  COMPREPLY=()
  case "$command $previous" in
${values.join("\n")}
  esac
  if [[ $current == -* ]]; then
    case $command in
${options.join("\n")}
    esac
    return
  fi
  ((first)) && __peer_words ${names.join(" ")}
  case $command in
${args.join("\n")}
  esac
}
complete -F __peer peer
`;
}

function actionFor(following: Following): string {
  switch (following.kind) {
    case "words":
      return `__peer_words ${following.words.join(" ")}`;
    case "paths":
      return "__peer_paths";
    case "torrents":
      return "__peer_torrents";
    case "text":
      return ":";
  }
}
