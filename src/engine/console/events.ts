import { HEADERS } from './gate.ts';

/** Streams that are open at a time; a browser keeps some of them for pages that were left. */
const MOST_STREAMS = 16;

/** Returns what a view shows now, as JSON. Never throws. */
export type Read = () => Promise<string>;

/** The open pages that are kept up to date, by server-sent events. https://html.spec.whatwg.org/#server-sent-events */
export class Streams {
  readonly #ends = new Set<() => void>();

  /**
   * Returns an answer that goes on: the blocks whenever they differ from the last ones; undefined if there are too many.
   *
   * @param everyMs Null: the blocks come once.
   */
  open(read: Read, everyMs: number | null): Response | undefined {
    if (this.#ends.size >= MOST_STREAMS) return undefined;
    const ends = this.#ends;
    const encoder = new TextEncoder();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOpen = true;
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        let shown = '';
        const send = (text: string) => controller.enqueue(encoder.encode(text));
        const look = async () => {
          // Whoever does not read what came already gets no more of it.
          if ((controller.desiredSize ?? 0) > 0) {
            const text = await read();
            if (!isOpen) return;
            // A comment keeps the connection in use, and shows whether someone is still there.
            send(text === shown ? ':\n\n' : `data: ${text}\n\n`);
            shown = text;
          }
          if (everyMs === null) send('event: once\ndata:\n\n');
          else timer = setTimeout(look, everyMs);
        };
        end = () => {
          if (!isOpen) return;
          isOpen = false;
          clearTimeout(timer);
          ends.delete(end);
          try {
            controller.close();
          } catch {
            // The other side has closed it.
          }
        };
        ends.add(end);
        void look();
      },
      cancel: () => end(),
    });
    return new Response(body, { headers: { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' } });
  }

  endAll(): void {
    for (const end of [...this.#ends]) end();
  }
}
