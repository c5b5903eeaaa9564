/** Requests at a steady rate, as many clients make them: one is sent when its time has come, whatever the others do. */
export interface LoadReport {
  readonly sent: number;
  /** What went wrong, one line each; empty is good. */
  readonly errors: readonly string[];
  /** Answers a second, from the first request to the last answer. */
  readonly perSecond: number;
  /** Milliseconds from the moment at which a request was due to its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function load(
  request: (i: number) => Promise<Response>,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<LoadReport> {
  const total = perSecond * seconds;
  const latencies: number[] = [];
  const errors: string[] = [];
  const pending: Promise<void>[] = [];
  const began = performance.now();
  const send = async (i: number): Promise<void> => {
    try {
      const response = await request(i);
      const text = await response.text();
      if (!response.ok) errors.push(`${response.url}: ${response.status} ${text}`);
    } catch (error) {
      errors.push(String(error));
    }
    latencies.push(performance.now() - began - (i / perSecond) * 1000);
  };
  for (let i = 0; i < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    for (; i < due; i++) pending.push(send(i));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  const elapsed = performance.now() - began;
  latencies.sort((a, b) => a - b);
  return {
    sent: total,
    errors,
    perSecond: (total / elapsed) * 1000,
    p50Ms: latencies[Math.floor(total * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(total * 0.99)] ?? 0,
  };
}
