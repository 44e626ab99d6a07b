// Progress of trainings: totals and time left over all epochs and seeds, what is passed over, and the line on a terminal.
import { describe, expect, it } from "vitest";
import { TrainProgress } from "./progress.ts";

/** A clock, and a terminal that stores what is written. */
function terminal() {
  const state = { ms: 0, text: "" };
  const stream = {
    isTTY: true,
    columns: 200,
    write: (text: string) => {
      state.text += text;
    },
  };
  return { state, options: { stream, now: () => state.ms } };
}

describe("TrainProgress", () => {
  it("counts over epochs and seeds, with the time that all of them take at this rate", () => {
    const { state, options } = terminal();
    const progress = new TrainProgress(3, 2, options);
    const lines: string[] = [];
    for (let run = 0; run < 3; run++) {
      progress.nextRun();
      for (let epoch = 0; epoch < 2; epoch++) {
        for (let batch = 1; batch <= 10; batch++) {
          state.ms += 1000;
          progress.step({ epoch, batch }, 10, 0.5);
        }
        lines.push(progress.afterEpoch());
      }
    }
    progress.done();
    expect(lines).toEqual([
      "1 of 6 epochs, 0:50 left",
      "2 of 6 epochs, 0:40 left",
      "3 of 6 epochs, 0:30 left",
      "4 of 6 epochs, 0:20 left",
      "5 of 6 epochs, 0:10 left",
      "6 of 6 epochs",
    ]);
    // Of the 60 steps the first began the line; 24 more took 24 s.
    expect(state.text).toContain("train 25/60 steps  41%  1.0/s");
    expect(state.text).toContain("seed 2 of 3, epoch 1 of 2, loss 0.5000");
    expect(state.text).toContain("train 60/60 steps  100%");
  });

  it("passes over what a run resumes after, what it stops before, and runs that were done", () => {
    const { state, options } = terminal();
    const progress = new TrainProgress(3, 4, options);
    progress.nextRun(); // done before: no step comes
    progress.nextRun();
    state.ms += 1000;
    progress.step({ epoch: 2, batch: 1 }, 2, 1);
    state.ms += 1000;
    progress.step({ epoch: 2, batch: 2 }, 2, 1);
    expect(progress.afterEpoch()).toBe("7 of 12 epochs, 0:10 left"); // one in 2 s, 5 to do
    progress.nextRun(); // stopped a whole epoch early
    for (const batch of [1, 2]) {
      state.ms += 1000;
      progress.step({ epoch: 0, batch }, 2, 1);
    }
    expect(progress.afterEpoch()).toBe("9 of 12 epochs, 0:06 left");
  });

  it("writes nothing where standard error is no terminal", () => {
    let text = "";
    const write = (part: string) => {
      text += part;
    };
    const progress = new TrainProgress(1, 1, { stream: { write } });
    progress.nextRun();
    progress.step({ epoch: 0, batch: 1 }, 1, 1);
    expect(progress.afterEpoch()).toBe("1 of 1 epochs");
    expect(text).toBe("");
  });
});
