import { shellWord } from "../service/service_plan.ts";
import type { CommandShape, Following, OptionShape } from "./command_shapes.ts";

/** The completions for zsh. */
export function zshScript(commands: readonly CommandShape[]): string {
  const described = commands.map(({ name, description }) =>
    `    ${shellWord(`${name}:${description.replaceAll(":", "\\:")}`)}`
  );
  const cases = commands.map(({ name, options, argument }) => {
    const specs = options.map(optionSpec);
    if (argument !== undefined) specs.push(`'*:argument:${actionFor(argument)}'`);
    return `    ${name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef peer
# zsh completion for peer: peer completion zsh > a folder of $fpath/_peer
__peer_torrents() {
  local -a names home
  local at=\${words[(I)--home]}
  ((at)) && home=(--home "\${(Q)words[at + 1]}")
  names=("\${(@f)$(peer completion torrents $home 2>/dev/null)}")
  compadd -a names
}
_peer() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  local command=start i
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
    --home) ((i++)) ;;
    -*) ;;
    ${commands.map(({ name }) => name).join("|")}) command=\${words[i]}; break ;;
    *) break ;;
    esac
  done
  if ((i >= CURRENT)) && [[ \${words[CURRENT]} != -* ]]; then _describe command commands; fi
  # The command counts as no argument.
  if ((i < CURRENT)) && [[ \${words[i]} == $command ]]; then
    words[i]=()
    ((CURRENT--))
  fi
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _peer ]]; then _peer "$@"; else compdef _peer peer; fi
`;
}

/** The form of an option in `_arguments`; it may come several times. */
function optionSpec({ long, description, value }: OptionShape): string {
  const text = description.replace(/[\[\]:]/g, "\\$&");
  const takes = value === undefined ? "" : `:value:${actionFor(value)}`;
  return shellWord(`*${long}[${text}]${takes}`);
}

function actionFor(following: Following): string {
  switch (following.kind) {
    case "words":
      return `(${following.words.join(" ")})`;
    case "paths":
      return "_files";
    case "torrents":
      return "__peer_torrents";
    case "text":
      return " ";
  }
}
