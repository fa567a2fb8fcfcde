import type { CommandShape, Following } from "./command_shapes.ts";

/** The completions for PowerShell. */
export function powershellScript(commands: readonly CommandShape[]): string {
  const table = commands.map(({ name, description, options, argument }) => {
    const entries = options.map(({ long, description, value }) =>
      `      ${quoted(long)} = @(${quoted(description)}, ${wordsFor(value)})`
    );
    return `    ${quoted(name)} = @{ text = ${quoted(description)}; argument = ${
      wordsFor(argument)
    }; options = [ordered]@{
${entries.join("\n")}
    } }`;
  });
  return `# PowerShell completion for peer: put this into $PROFILE:
#   peer completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName peer, peer.exe -ScriptBlock {
  param($current, $line, $position)
  $commands = [ordered]@{
${table.join("\n")}
  }
  $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { "$_" })
  $named = @($words | Select-Object -Skip 1 | Where-Object { $commands.Contains($_) } | Select-Object -First 1)
  $command = if ($named) { $commands[$named[0]] } else { $commands['start'] }
  $previous = if ($words) { $words[-1] } else { '' }
  $found = if ($command.options.Contains($previous) -and $null -ne $command.options[$previous][1]) {
    $value = $command.options[$previous][1]
    if ($value -is [array]) { $value | ForEach-Object { , @($_, $_) } }
  } elseif ($current -like '-*') {
    $command.options.GetEnumerator() | ForEach-Object { , @($_.Key, $_.Value[0]) }
  } else {
    if (-not $named) { $commands.GetEnumerator() | ForEach-Object { , @($_.Key, $_.Value.text) } }
    if ($command.argument -eq 'torrents') { peer completion torrents 2>$null | ForEach-Object { , @($_, $_) } }
    elseif ($command.argument -is [array]) { $command.argument | ForEach-Object { , @($_, $_) } }
  }
  # Where nothing is found, PowerShell completes paths by itself.
  $found | Where-Object { $_ -and $_[0] -like "$current*" } | ForEach-Object {
    $text = if ($_[0] -match '[^\\w.-]') { "'" + $_[0].Replace("'", "''") + "'" } else { $_[0] }
    [System.Management.Automation.CompletionResult]::new($text, $_[0], 'ParameterValue', $_[1])
  }
}
`;
}

/** The words that may follow, the kind of other values, or `$null` where nothing follows. */
function wordsFor(following: Following | undefined): string {
  if (following === undefined) return "$null";
  return following.kind === "words" ? `@(${following.words.map(quoted).join(", ")})` : quoted(following.kind);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
