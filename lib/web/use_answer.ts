import { useEffect, useState } from "preact/hooks";

/** What a question led to that is asked when a part is shown, and again when `inputs` change; undefined until then. */
export function useAnswer<Answer>(
  ask: () => Promise<Answer>,
  inputs: readonly (string | number)[],
): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    let isShown = true;
    setAnswer(undefined);
    ask().then((value) => isShown && setAnswer(() => value));
    return () => {
      isShown = false;
    };
  }, inputs);
  return answer;
}
