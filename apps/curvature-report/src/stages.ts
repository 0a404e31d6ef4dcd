/** The stages of a run: what is told while one goes on, and how long each took. */

export interface Progress {
  readonly stage: string;
  /** Number of the stage, from 1, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /** Of the stage, in [0, 1]; 1 once, at its end. */
  readonly fraction: number;
  readonly text: string;
  /** Whether to keep the text on the screen. */
  readonly milestone: boolean;
}

export type Report = (fraction: number, text: string, milestone?: boolean) => void;

/** Does the work of a stage, and says in words what came of it. */
export type Stage = <T>(
  name: string,
  work: (report: Report) => Promise<T>,
  summary: (result: T) => string,
) => Promise<T>;

/** Stages, one after the other. */
export function stages(
  steps: number,
  onProgress?: (progress: Progress) => void,
): { readonly stage: Stage; readonly seconds: Readonly<Record<string, number>> } {
  const seconds: Record<string, number> = {};
  const stage: Stage = async (name, work, summary) => {
    const step = Object.keys(seconds).length + 1;
    const start = performance.now();
    let from = NaN;
    const report: Report = (fraction, text, milestone = false) => {
      // A stage that goes on from a checkpoint starts where that ends.
      if (Number.isNaN(from) && fraction > 0) from = fraction;
      const left = milestone ? "" : timeLeft((performance.now() - start) / 1000, (fraction - from) / (1 - from));
      onProgress?.({ stage: name, step, steps, fraction: Math.min(fraction, 0.99), text: `${text}${left}`, milestone });
    };
    report(0, "");
    const result = await work(report);
    seconds[name] = (performance.now() - start) / 1000;
    onProgress?.({ stage: name, step, steps, fraction: 1, text: summary(result), milestone: true });
    return result;
  };
  return { stage, seconds };
}

/** What to say of the time that is left, from what a share of the work took; nothing before that is known a little. */
function timeLeft(seconds: number, share: number): string {
  if (!(seconds > 5 && share > 0.02 && share < 1)) return "";
  const left = (seconds * (1 - share)) / share;
  return left < 90 ? `, ${Math.ceil(left / 10) * 10} s left` : `, ${Math.ceil(left / 60)} min left`;
}
