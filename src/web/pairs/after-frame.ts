// ◇ Browser-safe. Work that may wait until what was changed is on the screen: asking for pictures, which takes as long as all the rest of a
// filter and wakes other processes.
// Invariant: what waits is done once, in the order in which it was asked for; in a tab that nobody sees, when it is seen again.

const waiting = new Set<() => void>();
const channel = new MessageChannel();
channel.port1.onmessage = () => {
  const now = [...waiting];
  waiting.clear();
  for (const work of now) work();
};

/** Has work done behind the next frame; asked for twice, it is done once. */
export function afterFrame(work: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(() => channel.port2.postMessage(undefined));
  waiting.add(work);
}
